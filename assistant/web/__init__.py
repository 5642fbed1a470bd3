"""The web server: the founders' page, the source viewer and the words of both languages.

Imports nothing heavy by itself: Gradio is loaded by `chat`, which `server` imports.
"""
