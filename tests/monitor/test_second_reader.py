"""The second reader against a server that speaks as a model would: what may stand, what is refused, what is survived."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from monitor.claims.extract import Extractor
from monitor.claims.proposals import RULE, accept_proposals, find_open_sentences
from monitor.second_reader import SecondReader
from monitor.watch import Reading
from storage.records import ClaimStatus
from tests.support.webserver import Reply, WebServer

TEXT = (
    "The ferry sank off the northern coast on Tuesday, killing 37 people.\n"
    "The harbour master spoke of 14 souls whom the sea had kept."
)


@pytest.fixture
def model() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def answering(*readings: object) -> Reply:
    content = json.dumps({"readings": list(readings)})
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]})
    return Reply(body=body.encode(), content_type="application/json")


def first_reading() -> Reading:
    claims = Extractor().extract(title="", text=TEXT, published=None, lang="en")
    return Reading(matches=(), claims={"ferry": claims})


def ask(model: WebServer) -> Reading:
    async def run() -> Reading:
        async with httpx.AsyncClient() as client:
            reader = SecondReader(client, url=model.url("/v1"), model="small", api_key="k", timeout=5)
            return await reader.add_proposals(first_reading(), title="", text=TEXT, lang="en")

    return asyncio.run(run())


def test_only_what_the_rules_left_open_is_asked(model: WebServer) -> None:
    model.add("/v1/chat/completions", answering())
    ask(model)
    (request,) = model.requests
    asked = json.loads(request.body)
    assert asked["model"] == "small"
    assert "14 souls" in asked["messages"][1]["content"]
    assert "37" not in asked["messages"][1]["content"]
    assert request.headers["authorization"] == "Bearer k"


def test_a_proposal_that_quotes_the_number_stands_marked_and_unconfirmed(model: WebServer) -> None:
    model.add(
        "/v1/chat/completions", answering({"metric": "killed", "value": 14, "quote": "14 souls whom the sea had kept"})
    )
    first, second = ask(model).claims["ferry"]
    assert first.value == 37
    assert (second.value, second.rule, second.status) == (14, RULE, ClaimStatus.UNCONFIRMED)
    assert TEXT[second.start : second.end] == second.quote
    assert second.confidence < 0.5


@pytest.mark.parametrize(
    "proposal",
    [
        {"metric": "killed", "value": 15, "quote": "14 souls whom the sea had kept"},
        {"metric": "killed", "value": 14, "quote": "14 people were killed"},
        {"metric": "eaten", "value": 14, "quote": "14 souls whom the sea had kept"},
        {"metric": "killed", "value": "many", "quote": "14 souls"},
        {"metric": "killed", "value": 14, "quote": ""},
        "fourteen",
    ],
)
def test_a_proposal_that_cannot_be_shown_is_refused(model: WebServer, proposal: object) -> None:
    model.add("/v1/chat/completions", answering(proposal))
    assert [claim.value for claim in ask(model).claims["ferry"]] == [37]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(body=b"not json", content_type="application/json"),
        Reply(body=b'{"choices": []}', content_type="application/json"),
        Reply(body=b'{"choices": [{"message": {"content": "sorry"}}]}', content_type="application/json"),
    ],
)
def test_whatever_goes_wrong_the_rules_own_reading_stands(model: WebServer, reply: Reply) -> None:
    model.add("/v1/chat/completions", reply)
    assert ask(model) == first_reading()


def test_a_language_without_a_pack_leaves_nothing_open() -> None:
    assert find_open_sentences(title="", text="Dagen då 12 träd föll.", lang="sv", claims=()) == ()


def test_any_answer_is_survived() -> None:
    (sentence,) = find_open_sentences(title="", text=TEXT, lang="en", claims=first_reading().claims["ferry"])
    for answer in ("", "[]", "null", '{"readings": 5}', '{"readings": [null, 1, {}]}'):
        claims, refused = accept_proposals(answer, sentence, lang="en")
        assert claims == ()
        assert refused
