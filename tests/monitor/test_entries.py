"""What an entry is, where its page cannot be had."""

from monitor.entries import article_from_entry
from storage.records import Entry


def test_a_headline_with_markup_is_kept_as_people_read_it() -> None:
    entry = Entry(
        entry_id="1", link="https://n.example/1", title="Riots: <b>44</b> dead &amp; more", summary="Clashes."
    )
    assert article_from_entry(entry).title == "Riots: 44 dead & more"
    assert article_from_entry(entry).text == "Clashes."
