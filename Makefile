# One command each. `make chat` and `make test` set everything up on a fresh machine.
PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
BIN := $(VENV)/bin
READY := $(VENV)/.installed
TORCH := torch==2.13.0
CPU_INDEX := https://download.pytorch.org/whl/cpu
# How many processes share the tests. Each needs 2 to 3 GB.
WORKERS ?= 2

.PHONY: chat ingest test check eval eval-public bench bench-growth peers soak install corpus format

chat: ingest
	$(BIN)/python app.py

ingest: $(READY)
	$(BIN)/python ingest.py

# Whoever has no more tests of its own takes over half of another's.
test: $(READY)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python docs/sources/check.py

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The quotes alone, whatever is set; then, where a language model is set, what it writes.
eval: $(READY)
	$(BIN)/python -m eval run --half $(or $(HALF),tuning) $(if $(WHY),--why "$(WHY)")
	$(BIN)/python -m eval robustness
	@if [ -n "$$ASSISTANT_MODEL" ]; then \
		$(BIN)/python -m eval written --half $(or $(HALF),tuning) $(if $(WHY),--why "$(WHY)"); \
	fi

# On the public sets that ASSISTANT_TEST_DATA names: the first run embeds for long, later ones do not.
eval-public: $(READY)
	$(BIN)/python -m eval public --half $(or $(HALF),tuning) $(if $(WHY),--why "$(WHY)")

bench: $(READY)
	$(BIN)/python -m eval bench

# How cost grows: libraries of 1,000 to 100,000 chunks, and the indexes alone up to a million. The first run builds them
# for an hour or two; later ones take minutes.
bench-growth: $(READY)
	$(BIN)/python -m eval growth --plot .bench/growth.svg --json .bench/growth.json

# LangChain's tutorial, LlamaIndex and Haystack beside ours. They live apart, since their pins may be others than ours.
peers: $(READY) $(PEERS)/.installed
	$(BIN)/python -m eval peers --python $(PEERS)/bin/python

# A peer that cannot be installed is named with its reason, and the others are measured.
$(PEERS)/.installed: eval/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade pip
	@$(PEERS)/bin/python docs/install_torch.py "$(TORCH)" "$(CPU_INDEX)"
	$(PEERS)/bin/python eval/peers_install.py
	@touch $@

# Ends the program at 200 moments of its work, without warning: what is left must be whole. A quarter of an hour.
soak: $(READY)
	$(BIN)/python -m eval soak

# Builds the PDFs and DOCX of the corpus, the sections on sources of its Markdown, the pairs of the glossary, and the
# list of ordinary words.
corpus: $(READY)
	$(BIN)/python docs/sources/build.py
	$(BIN)/python docs/sources/check.py --write --report
	$(BIN)/python docs/sources/words.py

install: $(READY)

# A CPU build of torch that is already resolvable, else one try at the public CPU index, else whatever is there.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python docs/install_torch.py "$(TORCH)" "$(CPU_INDEX)"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@
