# The habits of this repository, one word each. `make help` lists them.
#
# Every target makes the environment it needs and installs into it; a stamp file says what is
# already there, so that a second run starts at once. Two things can be chosen:
#   PYTHON  the interpreter, 3.11 or newer; left out, the first of python3, python3.14, ... that is
#   TORCH   the torch to test with, such as TORCH='torch --index-url URL' or a version of your own

TORCH ?= torch==2.13.0

find_python = for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$python; break; fi; done
PYTHON ?= $(shell $(find_python))

EXTRAS := all,test,check,bench
RAPTOR := 'llama-index-packs-raptor>=0.4.2,<0.5'
PIP := bin/python -m pip --disable-pip-version-check
PACKAGES := hier retrieval summarizers
# Folders too, so that a deleted file counts as a change.
SOURCES := README.md LICENSE $(shell find $(PACKAGES) -name __pycache__ -prune -o -print)

.DEFAULT_GOAL := help
# Builds of the wheel share the build folder.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test check bench bench-full browser clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 12

demo: .venv-demo/.installed ## a long document, three questions, a few hundred tokens each
	.venv-demo/bin/hier demo

test: .venv/.installed browser ## every extra installed, every test; one file: make test TESTS=tests/test_house.py
	.venv/bin/pytest -n auto --dist loadfile $(TESTS)

# The page is tested in a real browser. Where it cannot be installed, its tests say what is missing.
browser:
	@command -v chromedriver > /dev/null || { test "$$(id -u)" = 0 && command -v apt-get > /dev/null \
		&& echo "Installing Chromium for the tests of the page ..." && apt-get update -qq \
		&& apt-get install -y -qq chromium chromium-driver > /dev/null; } \
		|| echo "no Chromium: sudo apt-get install chromium chromium-driver" >&2

check: .venv/.installed ## lint, format, types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	cd .venv && bin/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache

# The quick half of the arena: nothing neural, nothing slow; planted facts where no data is.
QUICK := hier "hier, no question" "DOS RAG" "BM25 passages" head tail "middle cut out" stride

bench: .venv/.installed ## ours beside cheap systems and DOS RAG: minutes, into benchmarks/cache/bench
	.venv/bin/python benchmarks/arena.py --embedder static --systems $(QUICK) --costs \
		--out benchmarks/cache/bench

FULL := 'arena.py --costs' speed.py soak.py allocation.py thrift.py descent.py models.py edits.py crashes.py fidelity.py asking.py messages.py corpora.py pooled.py serving.py readme.py

# A script that misses a target ends with code 1: the others run all the same, and make says so last.
bench-full: .venv/.installed ## all but the ablation measured, into benchmarks/results, docs and README
	@missed=; for script in $(FULL); do echo "benchmarks/$$script"; \
		.venv/bin/python benchmarks/$$script || missed="$$missed $${script%% *}"; done; \
	test -z "$$missed" || { echo "missed a target, or failed:$$missed" >&2; exit 1; }

clean: ## remove the environments and everything built
	rm -rf .venv .venv-demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find $(PACKAGES) benchmarks scripts tests -name __pycache__ -prune -exec rm -rf {} +

# The light install that a newcomer gets: no extra, no torch.
.venv-demo/.dependencies: pyproject.toml
	$(call make_environment,.venv-demo)
	@echo "Installing hier into .venv-demo (once, about a minute) ..."
	.venv-demo/$(PIP) install -qq .
	@touch $@

# torch comes first, so that the choice of build is ours and not the resolver's. RAPTOR asks for an
# older numpy than it needs, so it comes alone and last; what it uses of others is in the extras.
.venv/.dependencies: pyproject.toml
	$(call make_environment,.venv)
	@echo "Installing hier, its extras and the test tools into .venv (once, some minutes) ..."
	.venv/$(PIP) install -qq $(TORCH)
	.venv/$(PIP) install -qq '.[$(EXTRAS)]'
	.venv/$(PIP) install -qq --no-deps $(RAPTOR)
	@touch $@

# Not editable: tests and types see what a user gets, data files included. setuptools takes what an
# earlier build left in build/ for current, hence the removal.
%/.installed: %/.dependencies $(SOURCES)
	@rm -rf build
	$*/$(PIP) install -qq --no-deps --force-reinstall .
	@touch $@

# $(call make_environment,FOLDER): a virtual environment, or one line that says what is missing. One
# that is there is added to, so that an edit of pyproject.toml is quick; make clean starts anew.
define make_environment
	@test -n "$(PYTHON)" || { echo "hier needs Python 3.11 or newer and found none;" \
		"name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hier needs" \
		"Python 3.11 or newer; $(PYTHON) is not: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments;" \
		"install its venv package, such as python3-venv" >&2; exit 1; }
	@rm -rf build
	"$(PYTHON)" -m venv $(1)
endef
