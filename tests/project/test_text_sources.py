"""Search for untranslated text in templates, Python modules, and scripts, including branches that no test renders."""

import ast
import re
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType

from tests.support.pseudo_locale import find_plain_texts, plain_words

ROOT = Path(__file__).parents[2]
# The style guide is for developers, and licenses stay as they are.
FOR_DEVELOPERS = {"style_guide", "style_guide.html", "vendored"}
TEMPLATES = sorted(
    path
    for path in (ROOT / "templates").rglob("*")
    if path.suffix in (".html", ".txt") and not FOR_DEVELOPERS & set(path.parts)
)
MODULES = sorted(
    path
    for app in ("accounts", "config", "evaluation", "recordings", "scenarios", "training", "voicegateway")
    for path in (ROOT / app).rglob("*.py")
    if not {"migrations", "management"} & set(path.parts)
)

SCRIPTS = sorted(path for path in ROOT.glob("*/static/*/*.js") if path.parts[-4] not in ("tests", "var"))

# Filters whose argument is shown, and the filter that forms only English plurals.
SHOWN_ARGUMENT = re.compile(r"""\|(?:default|default_if_none|yesno|add):(["'])(?P<text>[^"']*)\1""")
ENGLISH_PLURAL = re.compile(r"\|pluralize\b")
# A parameter such as `older="Older"`. A word that is not capitalized, or has an underscore, counts as a code.
SHOWN_PARAMETER = re.compile(r"""\b\w+=(["'])(?P<text>[A-Z][^"']*|[^"'_]* [^"'_]*)\1""")

# Tags whose content is translated or not shown, and blocks that hold names of CSS classes.
SKIPPED_TAGS = {"blocktranslate", "comment"}
SKIPPED_BLOCKS = {"block bodyclass", "block body_class", "block page_class", "block coltype"}

STRING = r"""(?P<quote>["'`])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)"""
COMMENT_OR_STRING = re.compile(rf"//[^\n]*|/\*.*?\*/|{STRING}", re.DOTALL)
# Calls whose first arguments are translated, or never shown.
HARMLESS_CALL = re.compile(
    r"\b(?:n?p?gettext|closest|matches|querySelector(?:All)?|\w*Error|DOMException)\(\s*(?:(?:\"[^\"]*\"|'[^']*'|`[^`]*`)\s*,?\s*)+"
)
# Two words with a space between them, or a capitalized word. All other strings are names, selectors, and codes.
SENTENCE = re.compile(r"[A-Za-z’']{2,}[,:;]? [A-Za-z“]|^[A-Z][a-z]+[.…!?]?$")
KEYS_AND_HEADERS = {"Enter", "Escape", "Accept", "Tab"}

# Calls with the position of their text argument, then keywords, names, and keys. Users see the text in all of them.
CALLS = {
    "ValidationError": 0, "PermissionDenied": 0, "ParseError": 0, "NotFound": 0, "Throttled": 1, "message_user": 1,
    "add_error": 1, "success": 1, "info": 1, "warning": 1, "error": 1, "add_message": 2,
}  # fmt: skip
KEYWORDS = {"label", "empty_label", "verbose_name", "verbose_name_plural", "subject"}
DECORATORS = {"action", "display"}  # of the admin site; their `description` is shown
NAMES = {"default_detail", "short_description", "verbose_name", "verbose_name_plural", "empty_value_display"}
KEYS = {"detail"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def plain_texts_of_template(source: str) -> set[str]:
    """Return the texts of a template outside `translate` and `blocktranslate`, in any branch."""
    kept, found, end_tag = [], set(), ""
    for token in Lexer(source).tokenize():
        word = token.contents.split(" ", 1)[0]
        if end_tag:
            end_tag = "" if token.token_type == TokenType.BLOCK and word == end_tag else end_tag
        elif token.token_type == TokenType.TEXT:
            kept.append(token.contents)
        elif token.token_type == TokenType.BLOCK and (word in SKIPPED_TAGS or token.contents in SKIPPED_BLOCKS):
            end_tag = f"end{word}"
        elif token.token_type in (TokenType.BLOCK, TokenType.VAR):
            arguments = [match["text"] for match in SHOWN_ARGUMENT.finditer(token.contents)]
            if word == "include":
                arguments += [match["text"] for match in SHOWN_PARAMETER.finditer(token.contents)]
            found |= {text for text in arguments if plain_words(text)}
            found |= {token.contents for _ in ENGLISH_PLURAL.finditer(token.contents)}
    html = "".join(kept)
    # One template contains only the attributes of an element.
    return found | find_plain_texts(f"<p {html}>" if html.strip().startswith("data-") else html)


def plain_texts_of_script(source: str) -> set[str]:
    """Return the strings of a script that look like text for users and are not arguments of `gettext` or `ngettext`."""
    code = COMMENT_OR_STRING.sub(lambda found: found[0] if found["quote"] else "", source)
    texts = {found["text"] for found in COMMENT_OR_STRING.finditer(HARMLESS_CALL.sub("(", code)) if found["quote"]}
    return {text for text in texts if SENTENCE.search(text) and text not in KEYS_AND_HEADERS}


def plain_texts_of_module(source: str) -> set[str]:
    """Return the texts that a module shows to people through a known call, keyword, attribute, or key."""
    return {text for node in ast.walk(ast.parse(source)) for text in map(plain_text, shown_expressions(node)) if text}


def shown_expressions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        is_logger = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "logger"
        place = CALLS.get(name, len(node.args)) if not is_logger else len(node.args)
        keywords = KEYWORDS | {"description"} if name in DECORATORS else KEYWORDS
        return [*node.args[place : place + 1], *(word.value for word in node.keywords if word.arg in keywords)]
    if isinstance(node, ast.Assign):
        return [node.value] if {getattr(target, "id", "") for target in node.targets} & NAMES else []
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [value for key, value in pairs if isinstance(key, ast.Constant) and key.value in KEYS]
    return []


def plain_text(node: ast.expr) -> str:
    """Return a string, or the literal parts of an f-string, if it has words. Return "" for all other expressions."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    literals = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    text = "…".join(literals)
    return text if plain_words(text) else ""


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("<p>Save it</p>", {"Save it"}),
        ('<a title="Save it">{{ name }}</a>', {"Save it"}),
        ('<p>{% translate "Save it" %} {{ name }} · 5 MB</p>', set()),
        ("{% blocktranslate %}Save <b>{{ name }}</b>{% endblocktranslate %} now", {"now"}),
        ("{# Save it #}{% comment %}Save it{% endcomment %}<style>b { top: 0 }</style>", set()),
        ("{% if a %}Save{% else %}{{ b|default:'nothing' }}{% endif %}", {"Save", "nothing"}),
        ("{{ n }}{{ n|pluralize }}", {"n|pluralize"}),
        ('{% include "a.html" with older="Older" kind="plain" %}', {"Older"}),
    ],
)
def test_plain_texts_of_template_finds_untranslated_text(source, texts):
    assert plain_texts_of_template(source) == texts


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("raise ValidationError('Save it')", {"Save it"}),
        ("raise forms.ValidationError(f'Save {name} now')", {"Save … now"}),
        ("raise ValidationError(_('Save %(name)s') % {'name': name}, code='invalid')", set()),
        ("messages.success(request, 'Saved')", {"Saved"}),
        ("logger.warning('Not saved %s', 'so it is')", set()),
        ("field = CharField(label='Your name', max_length=3)", {"Your name"}),
        ("default_detail = 'It is gone.'", {"It is gone."}),
        ("Response({'detail': 'It is gone.', 'code': 'gone'})", {"It is gone."}),
    ],
)
def test_plain_texts_of_module_finds_untranslated_text(source, texts):
    assert plain_texts_of_module(source) == texts


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("button.textContent = 'Save it';", {"Save it"}),
        ("const words = `${count} messages left`; // Save it", {"${count} messages left"}),
        ('say(gettext(\'Save it\')); /* It\'s saved */ say(ngettext("One left", "%s left", n));', set()),
        ("element.closest('input, select'); throw new RangeError('not an audio frame');", set()),
        ("if (key === 'Enter') fetch('/api/', { headers: { Accept: 'text/html' } });", set()),
        ('label = isMuted ? "Unmute" : gettext("Mute");', {"Unmute"}),
    ],
)
def test_plain_texts_of_script_finds_untranslated_text(source, texts):
    assert plain_texts_of_script(source) == texts


@pytest.mark.parametrize(
    ("paths", "plain_texts_of"),
    [(TEMPLATES, plain_texts_of_template), (MODULES, plain_texts_of_module), (SCRIPTS, plain_texts_of_script)],
    ids=["templates", "modules", "scripts"],
)
def test_all_texts_are_translated(paths, plain_texts_of):
    found = {name_of(path): sorted(plain_texts_of(path.read_text())) for path in paths}

    assert {name: texts for name, texts in found.items() if texts} == {}
