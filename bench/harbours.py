"""The seeds of stories that benchmarks make up: unrest in one harbour each."""


def harbour_seed(number: int, place: str, *, feed: str = "") -> str:
    """The seed of story `s<number>` about a place, with a feed where one is given."""
    feeds = f'[[feeds]]\nurl = "{feed}"\nsource = "Outlet {number}"\n' if feed else ""
    return f"""
slug = "s{number}"
title = "Unrest in {place}"
languages = ["en"]
[[entities]]
name = "{place}"
kind = "place"
central = true
[[topics]]
name = "unrest"
terms = ["unrest", "riots"]
[[places]]
name = "{place}"
whole = true
{feeds}"""
