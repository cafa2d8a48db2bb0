from django.http import QueryDict

from accounts.web.filter_links import build_filter_links, build_sort_link


def test_filter_links_keep_other_filters_and_drop_the_page_and_empty_values():
    data = QueryDict("q=sam&status=open&cohort=&page=3")

    links = build_filter_links(data, "status", [("", "All"), ("open", "Open"), ("late", "Late")])

    assert [(link.label, link.query, link.is_current) for link in links] == [
        ("All", "?q=sam", False),
        ("Open", "?q=sam&status=open", True),
        ("Late", "?q=sam&status=late", False),
    ]


def test_default_choice_is_current_and_not_in_the_address():
    links = build_filter_links(QueryDict(""), "handling", [("pending", "Pending"), ("all", "All")], "pending")

    assert [(link.query, link.is_current) for link in links] == [("?", True), ("?handling=all", False)]


def test_sort_link_reverses_the_order_in_use():
    used = build_sort_link(QueryDict("sort=score"), "score", "-score")
    reversed_ = build_sort_link(QueryDict("sort=-score"), "score", "-score")
    other = build_sort_link(QueryDict("sort=name"), "score", "-score")

    assert [(one.query, one.direction) for one in (used, reversed_, other)] == [
        ("?sort=-score", "ascending"),
        ("?sort=score", "descending"),
        ("?sort=score", "none"),
    ]
