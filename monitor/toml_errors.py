"""What pydantic found wrong in a TOML file, in words for its writer: the key, what is wrong, what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from monitor.toml_text import KeyPath
from storage.naming import suggest

_KINDS = {
    "string_type": 'a text in quotes, like "Almaty"',
    "bool_type": "true or false, without quotes",
    "tuple_type": 'a list, like ["one", "two"]',
    "list_type": 'a list, like ["one", "two"]',
    "dict_type": "a table, like { en = [...] }",
    "model_type": "a table with keys of its own",
    "int_type": "a whole number, without quotes",
    "float_type": "a number, without quotes",
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "bool_parsing": "true or false",
}
_SHAPES = {
    "slug": "lowercase letters, digits and single hyphens, like kazakhstan-unrest-2022",
    "languages": 'language codes of two letters, like "en"',
    "lang": 'a language code of two letters, like "en"',
    "name": "lowercase letters, digits and underscores",
    "metric": "the name of a metric, like killed: lowercase letters, digits and underscores",
    "population": "axes, like role=police or age=child;role=civilian",
}


@dataclass(frozen=True, slots=True, kw_only=False)
class Problem:
    """One thing that is wrong: where (keys and indexes), and what, with what to do."""

    path: KeyPath
    said: str


def explain(problem: Problem) -> str:
    """Return a problem as one line: `entities[2].kind: …`."""
    name = ""
    for part in problem.path:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else part
    return f"{name}: {problem.said}" if name else problem.said


def problem_of(
    found: Mapping[str, Any], model: type[BaseModel], *, is_secret: Callable[[KeyPath], bool] = lambda path: False
) -> Problem:
    """Return the problem that one of pydantic's errors (an item of `error.errors()`) stands for.

    Values at paths that `is_secret` names are not repeated.
    """
    path: KeyPath = tuple(part for part in found["loc"] if part != "[key]")
    kind, value = found["type"], "…" if is_secret(path) else found["input"]
    key = str(next((part for part in reversed(path) if isinstance(part, str)), ""))
    if kind == "extra_forbidden":
        known = keys_at(model, path[:-1])
        return Problem(path, f"there is no such key; {suggest(str(path[-1]), known)}")
    if kind == "missing":
        return Problem(path, f"is missing; add `{key} = …`")
    if kind == "enum":
        return Problem(path, f"{value!r} is none of {found['ctx']['expected']}; {suggest(str(value), _choices(found))}")
    if kind in _KINDS:
        return Problem(path, f"{value!r} is not {_KINDS[kind]}")
    if kind == "string_pattern_mismatch":
        return Problem(path, f"{value!r} has the wrong shape; write {_SHAPES.get(key, found['ctx']['pattern'])}")
    if kind in ("string_too_short", "too_short"):
        return Problem(path, "is empty; fill it in, or take the key out")
    if kind == "value_error":
        return Problem(path, str(found["ctx"]["error"]))
    return Problem(path, f"{found['msg']}; found {value!r}")


def keys_at(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """Return the keys that the model knows at a path; empty if the path leads out of it."""
    here: type[BaseModel] = model
    for part in path:
        if isinstance(part, int):
            continue
        field = here.model_fields.get(part)
        inner = model_in(field.annotation) if field else None
        if inner is None:
            return ()
        here = inner
    return tuple(field.alias or name for name, field in here.model_fields.items())


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation holds, be it in a tuple, a dict or a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := model_in(part)) is not None), None)


def _choices(found: Mapping[str, Any]) -> list[str]:
    """Return the words that pydantic lists for an enum: `'a', 'b' or 'c'`."""
    return [word.strip("' ") for word in found["ctx"]["expected"].replace(" or ", ", ").split(",")]
