"""The JavaScript module `transcript.js` in a real browser."""

from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script

SETUP = """
const { Transcript } = await from("transcript");
const transcript = new Transcript();
const turn = (item, after, more) =>
  transcript.put({ item, after, role: "caller", text: item, final: true, revision: 1, ...more });
const items = () => transcript.ordered().map((one) => one.text).join(" ");
"""


def test_transcript_does_not_depend_on_the_order_of_arrival(page: Page) -> None:
    orders = run_script(
        page,
        """
        const { Transcript } = await from("transcript");
        const turns = [["a", null], ["b", "a"], ["c", "b"], ["d", "c"]];
        const without = (list, one) => list.filter((other) => other !== one);
        const permutations = (list) =>
          list.length < 2
            ? [list]
            : list.flatMap((one) => permutations(without(list, one)).map((rest) => [one, ...rest]));
        return permutations(turns).map((order) => {
          const transcript = new Transcript();
          for (const [item, after] of order) transcript.put({ item, after, final: true, revision: 1 });
          return transcript.ordered().map((turn) => turn.item).join("");
        });
        """,
    )

    assert (len(orders), set(orders)) == (24, {"abcd"})


def test_transcript_replaces_a_turn_only_with_a_newer_revision(page: Page) -> None:
    result = run_script(
        page,
        SETUP
        + """
        turn("a", "", { final: false, text: "I", revision: 3 });
        turn("a", "", { final: false, text: "I am", revision: 4 });
        const growing = [items(), transcript.revision];
        turn("a", "", { text: "I am here", revision: 5 });
        turn("a", "", { final: false, text: "I am", revision: 4 });
        turn("a", "", { text: "old", revision: 2 });
        return [growing, items(), transcript.revision];
        """,
    )

    assert result == [["I am", 0], "I am here", 5]


def test_transcript_keeps_turns_whose_predecessor_is_missing_or_removed(page: Page) -> None:
    result = run_script(
        page,
        SETUP
        + """
        turn("a", null); turn("c", "b"); turn("z", "c");
        const before = items();
        turn("b", "a");
        const after = items();
        transcript.remove("b");
        return [before, after, items()];
        """,
    )

    assert result == ["a c z", "a b c z", "a c z"]
