"""SHELL: asks a model behind an OpenAI-compatible address about sentences that the rules left open. Off by default."""

import logging
from dataclasses import replace

import httpx
from pydantic import BaseModel, ValidationError

from monitor.claims.proposals import OpenSentence, accept_proposals, find_open_sentences, write_question
from monitor.watch import Reading
from storage.records import Claim

_LOG = logging.getLogger(__name__)


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message


class _Answer(BaseModel):
    choices: list[_Choice]


class SecondReader:
    """Proposes claims for open sentences. Whatever goes wrong with it, the rules' own reading stands."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        url: str,
        model: str,
        api_key: str = "",
        timeout: float = 30.0,
        most: int = 5,
    ) -> None:
        """`url` is the address up to and without `/chat/completions`; `most` sentences are asked of one version."""
        self._client = client
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = timeout
        self._most = most

    async def add_proposals(self, reading: Reading, *, title: str, text: str, lang: str | None) -> Reading:
        """Return a reading with the proposals that may stand, in each story that the text belongs to."""
        if not reading.claims or not lang:
            return reading
        known = [claim for claims in reading.claims.values() for claim in claims]
        opened = find_open_sentences(title=title, text=text, lang=lang, claims=known)[: self._most]
        proposed: list[Claim] = []
        for sentence in opened:
            proposed += await self._ask(sentence, lang)
        if not proposed:
            return reading
        return replace(reading, claims={slug: (*claims, *proposed) for slug, claims in reading.claims.items()})

    async def _ask(self, sentence: OpenSentence, lang: str) -> tuple[Claim, ...]:
        system, user = write_question(sentence)
        body = {
            "model": self._model,
            "temperature": 0,
            "response_format": {"type": "json_object"},
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        }
        try:
            response = await self._client.post(self._url, json=body, headers=self._headers, timeout=self._timeout)
            response.raise_for_status()
            answer = _Answer.model_validate_json(response.content).choices[0].message.content
        except (httpx.HTTPError, ValidationError, IndexError) as error:
            _LOG.warning("second reader: %s: %s; the rules' own reading stands", self._url, str(error) or type(error))
            return ()
        claims, refused = accept_proposals(answer, sentence, lang=lang.split("-")[0].lower())
        for one in refused:
            _LOG.info("second reader: refused (%s): %s", one.reason, one.proposal)
        return claims
