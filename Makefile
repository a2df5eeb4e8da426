# Climart. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8501
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# climart ingest $(1) with the files of the pattern $(2), where there are some
if_there = @set -- $(2); if [ -e "$$1" ]; then $(BIN)/climart ingest $(1) "$$@"; else echo "$(1): no file, left out"; fi

.PHONY: help run mart app national test lint types bench bench-app docs clean
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: mart ## Set up, build the embedded sample, publish it, serve the dashboard on http://localhost:8501
	@$(MAKE) --no-print-directory app

mart: .venv/.app ## Set up, build the embedded sample and publish it, without serving
	$(BIN)/climart sample data/sample
	$(BIN)/climart ingest territories data/sample/territories --massifs data/sample/massifs/massifs.geojson
	$(BIN)/climart ingest zones data/sample/zones/* --source sample_zones
	$(BIN)/climart ingest land data/sample/land/* --source sample_rpg
	$(BIN)/climart ingest drias data/sample/drias
	$(BIN)/climart ingest elevation data/sample/elevation/elevation.tif --source sample_elevation
	$(BIN)/climart ingest netcdf data/sample/netcdf
	$(BIN)/climart ingest observed data/sample/observed
	$(BIN)/climart ingest ski-areas data/sample/massifs/ski_areas.csv --source sample_ski_areas
	$(BIN)/climart ingest snow data/sample/snow
	$(BIN)/climart build
	$(BIN)/climart publish

app: .venv/.app ## Serve the dashboard of the stable release
	MALLOC_ARENA_MAX=2 $(BIN)/streamlit run app/streamlit_app.py --server.port $(PORT) --server.address localhost

national: .venv/.app ## Build the national mart: make national REAL_DATA=folder CLIMART_DATA=folder
	@test -n "$(REAL_DATA)" || { echo "make national: say where the real files are, REAL_DATA=folder (see data/README.md)"; exit 2; }
	$(BIN)/climart ingest territories "$(REAL_DATA)/admin" --massifs "$(REAL_DATA)/snow/massifs.shp"
	$(BIN)/climart ingest drias "$(REAL_DATA)/drias/tracc2023"
	$(call if_there,drias --skip-bad,"$(REAL_DATA)"/drias/drias2020/*.txt)
	$(call if_there,zones,"$(REAL_DATA)"/agriculture/*.csv)
	$(call if_there,zones,"$(REAL_DATA)"/agriculture/*.json)
	$(call if_there,ski-areas,"$(REAL_DATA)"/snow/openskimap_*.csv)
	$(call if_there,observed georisques_catnat_counts,"$(REAL_DATA)"/hazard/gazetteer_catnat.json.gz)
	$(call if_there,observed anct_pprn,"$(REAL_DATA)"/hazard/pprn_*.xlsx)
	$(call if_there,observed bdiff,"$(REAL_DATA)"/hazard/bdiff_*.csv)
	$(call if_there,observed drought_orders,"$(REAL_DATA)"/hazard/arretes_secheresse_*.csv)
	$(call if_there,observed dvf_flats,"$(REAL_DATA)"/exposure/gazetteer_dvf_*.csv)
	$(call if_there,observed insee_iris_housing,"$(REAL_DATA)"/exposure/iris_*.parquet)
	$(BIN)/climart build
	$(BIN)/climart publish

test: .venv/.dev lint types ## Set up, check style and types, run every test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: .venv/.dev ## Check style (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev ## Check types (mypy, strict)
	$(BIN)/mypy

bench: .venv/.dev ## Measure against peers: make bench (with REAL_DATA=folder, the national mart too)
	$(BIN)/python -m bench.daily --write
	$(BIN)/python -m bench.states --write docs/reference/performance-states.md
	@test ! -e data/releases/stable || $(BIN)/python -m bench.join --write docs/reference/performance-join.md
	$(BIN)/python -m bench.zonal --write
	@test -z "$(REAL_DATA)" || $(BIN)/python -m bench.national "$(REAL_DATA)" --write docs/reference/performance-national.md

bench-app: .venv/.dev ## Measure the dashboard on the stable release: make bench-app CLIMART_DATA=folder
	$(BIN)/python -m bench.app

docs: .venv/.dev ## Write the generated reference pages
	$(BIN)/python -m mart.dictionary docs/reference/dictionary.md
	$(BIN)/python -m mart.validation docs/methods/validation.md
	$(BIN)/python -m ingest.sources_pages docs/reference/sources

clean: ## Remove what was built (never what you received: data/raw stays)
	rm -rf data/sample data/derived data/lake data/warehouse.duckdb* data/warehouse.json data/releases data/.dbt build *.egg-info

.venv/.app: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[app]'
	@touch $@

.venv/.dev: pyproject.toml constraints.txt .venv/.app
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[app,dev]'
	@touch $@
