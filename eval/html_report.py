"""A run as one HTML file: the table by group, and every question with what was retrieved, chosen, refused and why.

The page asks for nothing from anywhere. Each question's details lie in a JSON block of their own and are read when the
question is opened; long texts that many questions share, such as passages, stand in one list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from eval import gate
from eval.answer_file import GivenAnswer, read_answers
from eval.compare import ALL, MEASURES, Change, changes_between, verdicts_of
from eval.errors import Misuse
from eval.jsonlines import read_objects
from eval.matching import holds, is_evidence
from eval.measures import LEAD_WORDS
from eval.question_check import documents_key
from eval.question_set import Question
from eval.run_record import RunRecord, cited_languages, language_pair, read_run
from eval.scoring import COUNTS, LOWER_IS_BETTER, VERDICTS, Estimate, Score, Summary, score, summarise
from eval.sentences import first_words, shown_sentences, without_markers

REPORT = "report.html"
HERE = Path(__file__).parent
# A text is put into the shared list from this length on; below it a reference saves nothing.
SHARED_LENGTH = 60
DIGITS = 5
TILES = ("lead", "correct", "first", "refusal", "false_refusal", "small_talk")
# Keys of a question line that have a place of their own on the page; all others are shown as notes.
_NOT_NOTES = {"id", "question", "history", "lang", "kind", "half", "answerable", "facts", "evidence", "evidence_sets"}
_NOT_NOTES |= {"gold"}

Sides = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Against:
    """Something that the run is compared with.

    Attributes:
        name: What the page calls it.
        changes: New minus old over all questions, by measure.
        note: What a reader must know, such as that the documents differ; empty for nothing.
    """

    name: str
    changes: Sequence[Change]
    note: str = ""

    def sides(self) -> dict[str, dict[str, str]]:
        """Return `won` or `lost` by question id and measure."""
        sides: dict[str, dict[str, str]] = {}
        for change in self.changes:
            for side, ids in (("won", change.won), ("lost", change.lost)):
                for id_ in ids:
                    sides.setdefault(id_, {})[change.measure] = side
        return sides


def write_report(
    named: str,
    *,
    runs: Path,
    question_file: Path,
    baseline: Path = gate.BASELINE,
    system: str = "assistant",
    against: str | None = None,
) -> Path:
    """Write `report.html` into a run's folder, over what stands there, and return its path.

    `against` names another run; the baseline of the half and the other systems of the run are always compared.

    Raises:
        Misuse: The run, or the one it is compared with, is missing or broken.
    """
    record = read_run(named, runs, question_file, system)
    answers = read_answers(record.answers)
    scores = score(system, record.questions, answers).scores
    languages = {**cited_languages(record.answers), **record.languages}
    pairs = {question.id: language_pair(question, languages) for question in record.questions}
    compared = _comparisons(record, answers, runs, question_file, baseline, against)
    path = record.answers.with_name(REPORT)
    page = _page(record, system, scores, pairs, compared, _read_why(record.answers))
    part = path.with_name(path.name + ".part")
    # Broken halves of a surrogate pair can stand in JSON, but not in UTF-8.
    part.write_text(page, encoding="utf-8", errors="xmlcharrefreplace")
    part.replace(path)
    return path


# --- what the run is compared with -------------------------------------------------------------------------------


def _comparisons(
    record: RunRecord,
    answers: Mapping[str, GivenAnswer],
    runs: Path,
    question_file: Path,
    baseline: Path,
    against: str | None,
) -> list[Against]:
    new = verdicts_of(record.questions, answers)
    found = []
    if against is not None:
        found.append(_against_run(record, new, read_run(against, runs, question_file, record.answers.stem)))
    if (kept := _baseline(record, baseline)) is not None:
        found.append(Against(f"baseline {kept['commit']}", _changes(record, kept["verdicts"], new)))
    for path in sorted(record.answers.parent.glob("*.jsonl.meta.json")):
        other = path.with_name(path.name.removesuffix(".meta.json"))
        if other != record.answers and other.is_file():
            old = verdicts_of(record.questions, read_answers(other))
            found.append(Against(f"system {other.stem}", _changes(record, old, new)))
    return found


def _baseline(record: RunRecord, path: Path) -> Mapping[str, Any] | None:
    # The baseline is of the assistant; other systems have none.
    if record.half not in ("tuning", "reporting") or record.answers.stem != "assistant":
        return None
    return gate.read_baseline("tuning" if record.half == "tuning" else "reporting", path)


def _against_run(record: RunRecord, new: Mapping[str, Mapping[str, float]], other: RunRecord) -> Against:
    asked = {question.id: (question.question, question.history) for question in other.questions}
    shared = [one for one in record.questions if asked.get(one.id) == (one.question, one.history)]
    if not shared:
        raise Misuse(f"{other.question_file}: {other.name} asks no question of {record.name}; name another run.")
    notes = []
    if len(shared) < max(len(asked), len(record.questions)):
        notes.append(f"{len(shared)} questions are shared")
    if documents_key(record.answers) != documents_key(other.answers):
        notes.append("the documents differ")
    old = verdicts_of(shared, read_answers(other.answers))
    return Against(f"run {other.name}", _changes(record, old, new), "; ".join(notes))


def _changes(
    record: RunRecord, old: Mapping[str, Mapping[str, float]], new: Mapping[str, Mapping[str, float]]
) -> list[Change]:
    return changes_between(old, new, {ALL: [question.id for question in record.questions]})


# --- one question as data ----------------------------------------------------------------------------------------


def _read_why(answers: Path) -> dict[str, Any]:
    path = answers.with_name(f"{answers.stem}-why.jsonl")
    return {line["id"]: line.get("why") for _, line in read_objects(path) if "id" in line} if path.is_file() else {}


def _index_row(
    one: Score, pair: str, failed: Sequence[str], compared: Sequence[Against], sides: Sequence[Sides]
) -> dict[str, Any]:
    question, answer = one.question, one.answer
    return {
        "id": question.id,
        "question": question.question,
        "language": question.language,
        "pair": pair,
        "kind": question.kind,
        "outcome": answer.outcome if answer else "no answer",
        "failed": list(failed),
        "scored": [name for name in one.shares if name in VERDICTS],
        "changed": {against.name: side[question.id] for against, side in zip(compared, sides, strict=True)
                    if question.id in side},
        "search": without_markers(answer.text) if answer else "",
    }  # fmt: skip


def _details(one: Score, line: Mapping[str, Any], label: Mapping[str, Any], why: Any) -> dict[str, Any]:
    question, answer = one.question, one.answer
    return {
        "history": [dict(turn) for turn in question.history],
        "answerable": question.answerable,
        "facts": [_fact(fact, answer) for fact in question.facts],
        "evidence": _evidence(question, answer),
        "gold": [{"document": name, "cited": _cites(answer, name)} for name in question.gold],
        "notes": {key: value for key, value in label.items() if key not in _NOT_NOTES and value not in (None, "", [])},
        "shares": {name: [share.hits, share.of] for name, share in one.shares.items()},
        "answer": _answer(question, answer, line.get("answer") or {}),
        "why": why,
    }


def _fact(fact: re.Pattern[str], answer: GivenAnswer | None) -> dict[str, Any]:
    text = without_markers(answer.text) if answer else ""
    shown = shown_sentences(answer.text) if answer else []
    quotes = [citation.quote for citation in answer.citations] if answer else []
    return {
        "fact": fact.pattern,
        "first": bool(shown) and holds(fact, shown[0].text),
        "lead": answer is not None and holds(fact, first_words(answer.text, LEAD_WORDS)),
        "answer": holds(fact, "\n".join([text, *quotes])),
    }


def _evidence(question: Question, answer: GivenAnswer | None) -> list[dict[str, Any]]:
    shown = [sentence.text for sentence in shown_sentences(answer.text)] if answer and answer.shows_sources else []
    sets = [[number for number, one in enumerate(question.evidence_sets, start=1) if sentence in one]
            for sentence in question.evidence]  # fmt: skip
    return [
        {"sentence": sentence, "shown": is_evidence(sentence, shown), "sets": of}
        for sentence, of in zip(question.evidence, sets, strict=True)
    ]


def _cites(answer: GivenAnswer | None, document: str) -> bool:
    return answer is not None and any(citation.document == document for citation in answer.citations)


def _answer(question: Question, answer: GivenAnswer | None, raw: Mapping[str, Any]) -> dict[str, Any] | None:
    if answer is None:
        return None
    kept = {key: value for key, value in raw.items() if key not in ("citations", "abstained")}
    spans = sorted({match.span() for fact in question.facts for match in fact.finditer(answer.text)})
    citations = [
        {
            **{
                key: one.get(key)
                for key in ("number", "title", "document", "heading", "page_label", "language", "quote")
            },
            "gold": one.get("document") in question.gold,
            "evidence": is_evidence(str(one.get("quote")), question.evidence),
        }
        for one in raw.get("citations") or ()
    ]
    return {**kept, "marks": [span for span in spans if span[0] < span[1]], "citations": citations}


class SharedTexts:
    """Texts that many questions hold, each once: the value they leave behind is `{"$": place}`."""

    def __init__(self) -> None:
        """Start with none."""
        self.places: dict[str, int] = {}

    def without(self, value: Any) -> Any:
        """Return a JSON value with its long texts taken out and its numbers as precise as a reader can use."""
        if isinstance(value, str) and len(value) >= SHARED_LENGTH:
            return {"$": self.places.setdefault(value, len(self.places))}
        if isinstance(value, float):
            return round(value, DIGITS)
        if isinstance(value, Mapping):
            return {key: self.without(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.without(one) for one in value]
        return value


# --- the page ----------------------------------------------------------------------------------------------------


def _page(
    record: RunRecord,
    system: str,
    scores: Sequence[Score],
    pairs: Mapping[str, str],
    compared: Sequence[Against],
    why: Mapping[str, Any],
) -> str:
    report = _json_file(record.answers.with_name("report.json"))
    failed = _failures(scores, report.get(system, {}))
    lines = {line["id"]: line for _, line in read_objects(record.answers)}
    labels = {line["id"]: line for _, line in read_objects(record.question_file)}
    sides = [one.sides() for one in compared]
    index = [_index_row(one, pairs[one.question.id], failed[one.question.id], compared, sides) for one in scores]
    shared = SharedTexts()
    blocks = [
        _block(f"d{place}", shared.without(_details(one, lines.get(id_, {}), labels[id_], why.get(id_))))
        for place, (id_, one) in enumerate((one.question.id, one) for one in scores)
    ]
    body = [
        _head(record, system, len(scores), bool(why)),
        _tiles(summarise(scores), compared),
        _groups(scores, pairs),
        _systems(report, system),
        _changed(compared),
        _QUESTIONS,
        *blocks,
        _block("index", index),
        _block("against", [{"name": one.name, "note": one.note} for one in compared]),
        _block("texts", list(shared.places)),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        # The page may run its own few lines and fetch nothing, whatever a document's text says.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'\">\n"
        f"<title>{escape(record.name)}, {escape(system)}</title>\n"
        f"<style>\n{(HERE / 'report.css').read_text(encoding='utf-8')}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + f"\n<script>\n{(HERE / 'report.js').read_text(encoding='utf-8')}</script>\n</body>\n</html>\n"
    )


def _failures(scores: Sequence[Score], report: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what each question failed in, with the checks of quotes that the run itself made."""
    misses = report.get("misses") or {}
    missed = {check: {miss["id"] for miss in found} for check, found in misses.items()}
    return {
        one.question.id: [*one.failures, *(check for check, ids in missed.items() if one.question.id in ids)]
        for one in scores
    }


def _block(name: str, value: Any) -> str:
    """Return a JSON block that no text inside can end."""
    text = json.dumps(value, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" id="{name}">{text}</script>'


def _head(record: RunRecord, system: str, questions: int, explained: bool) -> str:
    facts = [f"{questions} questions", f"half {record.half}" if record.half else "", record.date or ""]
    facts.append(f"commit {record.commit}" if record.commit else "")
    note = "" if explained else '<p class="note">This run kept no explanations (SYSTEM-why.jsonl).</p>'
    return (
        '<a class="skip" href="#list">Skip to the questions</a>\n'
        f"<header>\n<h1>{escape(system)} <small>{escape(record.name)}</small></h1>\n"
        f"<p>{escape(' · '.join(fact for fact in facts if fact))}</p>{note}\n</header>\n<main>"
    )


def _tiles(summary: Summary, compared: Sequence[Against]) -> str:
    changes = {change.measure: (compared[0].name, change) for change in (compared[0].changes if compared else ())}
    tiles = []
    for name in TILES:
        estimate = summary.estimates.get(name)
        if estimate is None:
            continue
        lower = ", lower is better" if name in LOWER_IS_BETTER else ""
        tiles.append(
            f'<div class="tile"><h3>{_title(name)}</h3><p class="value">{estimate.value:.3f}</p>'
            f"{_whisker(estimate)}<p>{_interval(estimate)} of {estimate.counted}{lower}</p>"
            f"{_tile_change(changes.get(name))}</div>"
        )
    return f'<section aria-label="Overall" class="tiles">{"".join(tiles)}</section>'


def _tile_change(found: tuple[str, Change] | None) -> str:
    if found is None or found[0].startswith("system "):
        return ""
    name, change = found
    return (
        f'<p class="change">{_signed(change.difference)} against {escape(name)}: '
        f'<span class="won">{len(change.won)} won</span>, <span class="lost">{len(change.lost)} lost</span></p>'
    )


def _whisker(estimate: Estimate) -> str:
    low, high, value = (100 * number for number in (estimate.interval.low, estimate.interval.high, estimate.value))
    return (
        f'<span class="whisker" aria-hidden="true"><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f'<b style="left:{value:.1f}%"></b></span>'
    )


def _interval(estimate: Estimate) -> str:
    return f"{estimate.interval.low:.2f}–{estimate.interval.high:.2f}"


def _groups(scores: Sequence[Score], pairs: Mapping[str, str]) -> str:
    """Return the table by group: a cell is a button that shows the questions which failed there."""
    measures = [name for name in (*VERDICTS, *COUNTS) if any(name in one.shares for one in scores)]
    parts: list[tuple[str, str, Callable[[Score], str]]] = [
        ("Language of the question", "language", lambda one: one.question.language),
        ("Language of question → documents", "pair", lambda one: pairs[one.question.id]),
        ("Kind", "kind", lambda one: one.question.kind),
    ]
    rows = [_group_row("All questions", "", "", scores, measures)]
    for title, key, of in parts:
        rows.append(f'<tr class="part"><th scope="rowgroup" colspan="{len(measures) + 2}">{title}</th></tr>')
        for name in sorted({of(one) for one in scores}):
            rows.append(_group_row(_arrow(name), key, name, [one for one in scores if of(one) == name], measures))
    heads = "".join(f'<th scope="col">{_title(name)}</th>' for name in measures)
    return (
        '<section><h2>By group</h2><p class="hint">Value and 95 % interval. A figure leads to the questions that went '
        "wrong there.</p>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Measures by group"><table class="groups">'
        f'<thead><tr><th scope="col">Group</th><th scope="col">n</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _group_row(label: str, key: str, name: str, scores: Sequence[Score], measures: Sequence[str]) -> str:
    summary = summarise(scores)
    cells = [_group_cell(summary.estimates.get(measure), measure, key, name) for measure in measures]
    return f'<tr><th scope="row">{escape(label)}</th><td class="n">{summary.questions}</td>{"".join(cells)}</tr>'


def _group_cell(estimate: Estimate | None, measure: str, key: str, name: str) -> str:
    if estimate is None:
        return '<td class="none">–</td>'
    figures = f"<span>{estimate.value:.2f}</span>{_whisker(estimate)}<small>{_interval(estimate)}</small>"
    if measure not in VERDICTS:
        return f"<td>{figures}</td>"
    facets = f'data-key="{escape(key)}" data-name="{escape(name)}" data-failed="{escape(measure)}"'
    title = f"{estimate.counted} questions; show those that failed"
    return f'<td><button type="button" {facets} title="{title}">{figures}</button></td>'


def _systems(report: Mapping[str, Any], system: str) -> str:
    """Return the systems of the run side by side, with the checks of quotes, as `report.json` has them."""
    if not report:
        return ""
    named: dict[str, Mapping[str, Any]] = {name: one["overall"]["measures"] for name, one in report.items()}
    measures = list(dict.fromkeys(name for one in named.values() for name in one))
    heads = "".join(f'<th scope="col"{" class=own" if name == system else ""}>{escape(name)}</th>' for name in named)
    rows = "".join(
        f'<tr><th scope="row">{_title(measure)}</th>'
        + "".join(_system_cell(one.get(measure)) for one in named.values())
        + "</tr>"
        for measure in measures
    )
    return (
        "<details class=fold><summary><h2>Systems side by side</h2></summary>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Systems"><table class="systems">'
        f'<thead><tr><th scope="col">Measure</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _system_cell(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return '<td class="none">–</td>'
    return f"<td>{one['value']:.3f} <small>{one['low']:.2f}–{one['high']:.2f} · {one['counted']}</small></td>"


def _changed(compared: Sequence[Against]) -> str:
    """Return what changed against each comparison: a count is a button that shows those questions."""
    if not compared:
        return ""
    rows = "".join(_changed_rows(place, one) for place, one in enumerate(compared))
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Against", "Measure", "Old", "New", "Change", "95 %"))
    heads += "".join(f'<th scope="col">{head}</th>' for head in ("Won", "Lost", "p", "Holm"))
    return (
        "<details class=fold><summary><h2>Changes</h2></summary>"
        '<p class="hint">New minus old, paired by question; p is exact McNemar, then corrected by Holm.</p>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Changes"><table class="changes">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _changed_rows(place: int, against: Against) -> str:
    rows = []
    note = f" <small>{escape(against.note)}</small>" if against.note else ""
    for number, change in enumerate(against.changes):
        head = f'<th scope="rowgroup" rowspan="{len(against.changes)}">{escape(against.name)}{note}</th>'
        interval = f"{_signed(change.interval.low)} to {_signed(change.interval.high)}"
        rows.append(
            f"<tr{' class=worse' if change.worse else ''}>{'' if number else head}<td>{_title(change.measure)}</td>"
            f"<td>{change.old:.3f}</td><td>{change.new:.3f}</td><td>{_signed(change.difference)}</td><td>{interval}</td>"
            f"<td>{_side_button(place, change, 'won', change.won)}</td>"
            f"<td>{_side_button(place, change, 'lost', change.lost)}</td>"
            f"<td>{change.p:.4f}</td><td>{change.holm:.4f}</td></tr>"
        )
    return "".join(rows)


def _side_button(place: int, change: Change, side: str, ids: Sequence[str]) -> str:
    if not ids:
        return "0"
    facets = f'data-against="{place}" data-side="{side}" data-measure="{change.measure}"'
    return f'<button type="button" class="{side}" {facets}>{len(ids)}</button>'


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−") if round(value, 3) else "0.000"


def _title(measure: str) -> str:
    return escape(measure.replace("_", " "))


def _arrow(pair: str) -> str:
    return pair.replace("->", " → ")


def _json_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Misuse(f"{path}: not JSON ({error}).") from error
    return values if isinstance(values, dict) else {}


def _options(names: Iterable[str]) -> str:
    return "".join(f'<option value="{name}">{_title(name)}</option>' for name in names)


_QUESTIONS = f"""<section id="questions"><h2>Questions</h2>
<noscript><p class="note">The list of questions needs JavaScript; the tables above do not.</p></noscript>
<form id="filters" role="search" aria-label="Filter the questions">
<label class="wide">Search <input type="search" name="q" placeholder="words of question, answer or id"></label>
<label>Kind <select name="kind"><option value="">any</option></select></label>
<label>Language <select name="language"><option value="">any</option></select></label>
<label>Documents <select name="pair"><option value="">any</option></select></label>
<label>Outcome <select name="outcome"><option value="">any</option></select></label>
<label>Failed in <select name="failed"><option value="">any</option><option value="*">something</option>
<option value="-">nothing</option></select></label>
<label>Changed <select name="changed"><option value="">all</option></select></label>
<label>Changed in <select name="measure"><option value="">any</option>{_options(MEASURES)}</select></label>
<button type="reset">Clear</button>
</form>
<p id="count" role="status"></p>
<div id="list" tabindex="-1"></div></section></main>
<footer><p><kbd>/</kbd> search · <kbd>j</kbd> <kbd>k</kbd> next and previous question · <kbd>Enter</kbd> opens</p>
</footer>"""
