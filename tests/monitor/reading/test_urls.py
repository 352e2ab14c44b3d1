"""One address for one page."""

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.reading.urls import believable_canonical, canonical_url, same_site


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://WWW.Example.org:80/News/?utm_source=rss&id=7&fbclid=x#top", "https://example.org/News?id=7"),
        ("https://example.org/a?b=2&a=1", "https://example.org/a?a=1&b=2"),
        ("https://m.example.org/a", "https://example.org/a"),
        ("https://amp.example.org/a/amp/", "https://example.org/a"),
        ("https://example.org/amp/a.html", "https://example.org/a.html"),
        ("https://example.org/a.amp.html", "https://example.org/a.html"),
        ("https://example.org/a?amp=1", "https://example.org/a"),
        ("https://example.org/2022/riots-toll-rises-amp.html", "https://example.org/2022/riots-toll-rises.html"),
        ("https://example.org/news/article-1234567-amp", "https://example.org/news/article-1234567"),
        ("https://example.org/shop/guitar-amp.html", "https://example.org/shop/guitar-amp.html"),
        ("https://example.org/m/news/2022/riots-toll-rises", "https://example.org/news/2022/riots-toll-rises"),
        ("https://example.org/mobile/world/article1234567.html", "https://example.org/world/article1234567.html"),
        ("https://example.org/m/riots-toll-rises", "https://example.org/riots-toll-rises"),
        ("https://example.org/m/12345", "https://example.org/m/12345"),
        ("https://example.org/m/world/africa", "https://example.org/m/world/africa"),
        ("https://example.org/a?amp", "https://example.org/a"),
        ("https://example.org/a?m=12345", "https://example.org/a?m=12345"),
        ("https://example.org/%7Euser/%d1%8f", "https://example.org/~user/%D1%8F"),
        ("https://example.org/я?q=я", "https://example.org/%D1%8F?q=%D1%8F"),
        (
            "https://www-example-org.cdn.ampproject.org/c/s/www.example.org/a/fire?amp_js_v=0.1&usqp=x",
            "https://example.org/a/fire",
        ),
        ("https://www.google.com/amp/s/www.example.org/a/fire.amp.html", "https://example.org/a/fire.html"),
        ("https://www.google.com/amp/about", "https://google.com/about"),
        ("https://en.m.example.org/a", "https://en.example.org/a"),
        ("https://mob.ria.ru/a", "https://ria.ru/a"),
        ("https://m.co.uk/a", "https://m.co.uk/a"),
        ("https://example.org/a?ref=rss&from=rss_world&source=main", "https://example.org/a"),
        ("https://example.org/a?from=2022-01-01&ref=17", "https://example.org/a?from=2022-01-01&ref=17"),
        ("https://example.org/a?source=homeland", "https://example.org/a?source=homeland"),
        ("https://example.org//a//b;jsessionid=1A2B.node3?PHPSESSID=5", "https://example.org/a/b"),
        ("https://почта.рф/x", "https://xn--80a1acny.xn--p1ai/x"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org/", "https://example.org/"),
        ("https://example.org/a/../b/./c", "https://example.org/b/c"),
        ("https://example.org:8443/a", "https://example.org:8443/a"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://m.uk/a", "https://m.uk/a"),
        ("http://[::1]:8080/a", "https://[::1]:8080/a"),
        ("mailto:a@b", "mailto:a@b"),
        (" not an address ", "not an address"),
        ("", ""),
        ("http://[bad/", "http://[bad/"),
    ],
)
def test_canonical(url: str, expected: str) -> None:
    assert canonical_url(url) == expected


addresses = st.builds(
    lambda scheme, host, path, query: f"{scheme}://{host}/{path}?{query}",
    st.sampled_from(["http", "HTTPS", "https"]),
    st.sampled_from(
        [
            "example.org",
            "www.m.example.org",
            "AMP.example.co.uk",
            "127.0.0.1:80",
            "[::1]:9",
            "ü.example",
            "a.cdn.ampproject.org",
            "google.com",
        ]
    ),
    st.text(alphabet="aA/.%~я &=?#+;:@amp2Ff-_", max_size=30)
    | st.sampled_from(["c/s/www.google.com/amp/s/m.x.org/a//b", "amp/s/x.org", "a;jsessionid=1;jsessionid=2"]),
    st.text(alphabet="aA=&%+utm_source1 я;/?amp", max_size=30),
)


@given(st.text(max_size=60) | addresses)
def test_canonical_is_idempotent(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("/b", "https://x.org/b"),
        ("https://www.x.org/b", "https://www.x.org/b"),
        ("https://y.org/b", ""),
        ("https://x.org/", ""),
        ("", ""),
        ("javascript:x", ""),
        ("http://[bad", ""),
    ],
)
def test_canonical_links_that_lie_are_not_believed(canonical: str, expected: str) -> None:
    assert believable_canonical(canonical, "https://x.org/a?id=1") == expected


@pytest.mark.parametrize(
    ("canonical", "url"),
    [
        ("/en/", "https://x.org/en/news/fire-in-the-harbour"),
        ("/en", "https://x.org/fire"),
        ("/en-GB/", "https://x.org/fire"),
        ("/", "https://x.org/?p=17"),
        ("https://www.x.org/", "https://news.x.org/"),
        ("/world/", "https://x.org/world/fire"),
        ("/world/middle-east", "https://x.org/world/middle-east/2022/01/fire"),
        ("/2022/01/", "https://x.org/2022/01/fire-in-the-harbour"),
        ("/20220109/", "https://x.org/20220109/fire"),
        ("/article.php", "https://x.org/article.php?id=17"),
        ("/latest", "https://x.org/world/fire-kills-ten-in-the-harbour"),
        ("/новости", "https://x.org/новости/пожар"),
    ],
)
def test_a_front_page_or_a_section_is_no_name_of_an_article(canonical: str, url: str) -> None:
    assert believable_canonical(canonical, url) == ""


@pytest.mark.parametrize(
    ("canonical", "url"),
    [
        ("/world/fire", "https://x.org/world/fire/amp"),
        ("/world/fire", "https://x.org/world/fire?utm_source=rss"),
        ("/world/fire", "https://x.org/world/fire?from=rss"),
        ("/story/1234567", "https://x.org/story/1234567/fire-in-the-harbour"),
        ("/fire-in-the-harbour", "https://x.org/?p=17"),
        ("/fire-in-the-harbour", "https://x.org/fire-in-the-harbour?page=2"),
        ("/news/fire-in-the-harbour", "https://x.org/n/1234567"),
        ("/world/article58231.html", "https://x.org/a58231"),
        ("/live", "https://x.org/en/live"),
        ("/новости/пожар-в-порту-города", "https://x.org/n/1234567"),
        ("https://www.x.org/", "https://x.org/"),
        ("https://www.x.org/world/fire", "https://www-x-org.cdn.ampproject.org/c/s/www.x.org/world/fire"),
        ("https://xxx.ru/world/fire", "https://www.xxx.ru/world/fire"),
    ],
)
def test_an_address_of_one_article_is_believed(canonical: str, url: str) -> None:
    assert believable_canonical(canonical, url) == urljoin(url, canonical)


def test_one_outlet_has_many_hosts() -> None:
    assert same_site("https://news.bbc.co.uk/a", "https://www.bbc.co.uk/")
    assert not same_site("https://a.co.uk/", "https://b.co.uk/")
    assert same_site("https://www.ria.ru/a", "https://ria.ru/")
    assert same_site("https://m.rbc.ru/a", "https://www.rbc.ru/")
    assert not same_site("https://10.0.0.1/", "https://20.0.0.1/")


_SEGMENTS = st.text("aZ9.~-_@:%;&=я", max_size=6) | st.sampled_from(
    ["amp", "m", "mobile", "x.amp.html", "..", "", "a.amp", "a-b-c-amp.html", "a-b-c-amp", "a-b-c_amp"]
)
_HOSTS = st.sampled_from(
    ["m.Example.org", "example.org:80", "n.example:81", "example.org.", "e.example:99999", "-", ""]
)


@given(st.sampled_from(["http", "https", "tag"]), _HOSTS, st.lists(_SEGMENTS, max_size=4))
def test_a_plain_address_is_read_as_any_other(scheme: str, host: str, segments: list[str]) -> None:
    url = "/".join([f"{scheme}://{host}", *segments])
    # What has a fragment is never taken for plain, and of a web address it is left out.
    other = canonical_url(f"{url}#x")
    assert canonical_url(url) == other.removesuffix("#x")
