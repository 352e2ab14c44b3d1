"""Where hubs call (WebSub): open to the world, so each address holds a token that only its hub knows."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from monitor.push import PushDesk, Received
from monitor.sources.http import MAX_BYTES
from monitor.sources.websub import CALLBACK_PATH
from monitor.web.refusals import RefusedError
from monitor.web.site import Site, SiteDep

router = APIRouter(include_in_schema=False)
_STATUS = {Received.TAKEN: 202, Received.IGNORED: 202, Received.UNKNOWN: 410}


@router.get(CALLBACK_PATH + "{token}")
async def answer(request: Request, site: SiteDep, token: str) -> Response:
    """A hub verifies that we asked it: its challenge comes back, or 404 where we did not."""
    challenge = await _desk(site).answer(token, request.query_params)
    if challenge is None:
        raise RefusedError(404, "error.not_found")
    return PlainTextResponse(challenge, headers={"Cache-Control": "no-store"})


@router.post(CALLBACK_PATH + "{token}")
async def receive(request: Request, site: SiteDep, token: str) -> Response:
    """A hub pushes. 202 whether or not it was believed, 410 where nothing is wanted any more, 413 for too much."""
    desk = _desk(site)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return Response(status_code=413)
    return Response(status_code=_STATUS[await desk.receive(token, dict(request.headers), bytes(body))])


def _desk(site: Site) -> PushDesk:
    """The desk that hubs speak to. Raises RefusedError 404 where no hub was ever given an address."""
    if site.push is None:
        raise RefusedError(404, "error.not_found")
    return site.push
