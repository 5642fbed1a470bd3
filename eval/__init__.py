"""The evaluation wing: answers question files, measures the answers, and fails a run that got worse.

It uses public names of `assistant` only, and `assistant` never imports it. `docs/evaluation.md` explains the measures.
"""
