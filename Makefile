# make demo   harmonizes a melody and shows it        make test   everything that needs neither data nor ports
# make live   plays through real MIDI servers         make data   what needs the 382 chorales (downloads them)
# make pages  our scores, pages and sockets in other programs   make fuzz   damaged files by the million
# make bench  the timings of docs/PERFORMANCE.md       make train  trains both networks anew
# make guard  finds the guard's weights and the critics for the networks in models
# make bench-live  the live figures, beside a bare MIDI echo through the same JACK server
# make instructions   counts instructions and refuses a tenth more than are written down
# make plugin builds the plugin for DAWs into target/plugins     make install-plugin   puts it where they look
# make plugin-check   lets Ardour load the VST3, built as make test builds, and play and record through it
# make page   the browser page, into web/dist          make page-check   plays it in Node and Chromium
# make packages   .deb and tarball with SHA-256 sums     make packages-check   installs, runs and removes the .deb
# make windows    performer.exe, CLAP and VST3 by mingw, tried under wine; packages has them in a zip then
# make macos      compiles for macOS up to linking
# make wasm   whether the core builds for the browser
# make judge  judges learn to tell Bach's harmonizations from ours (DATA=jsb_chorales.tgz)
# make soak   plays for SECONDS (an hour) and compares the beginning with the end
# make lint   formatting, clippy, documentation         make deny   licences, sources and advisories of what comes from outside

DATA ?=
DATA_OPTION = $(if $(DATA),--data $(DATA))
export PYTHON ?= python3

# Optimized, with debug assertions in our own crates. Always the whole workspace, since a part of it would need its
# libraries built again with fewer features; `-p performer` alone has the same ones by its manifest.
CHECKED = scripts/checked.sh

# Where ordinary builds lie.
BUILT = $(or $(CARGO_TARGET_DIR),./target)/release

.PHONY: demo test live live-jack live-alsa data judge pages fuzz bench bench-live soak instructions train guard setup lint deny wasm plugin install-plugin plugin-check page page-check \
	deb tarball windows macos packages packages-check

demo: setup
	cargo build --release -p performer
	$(BUILT)/performer render demo/melody.mid -o demo/harmony.mid --force --seed 7
	@echo
	@echo "Written: demo/harmony.mid (four tracks). Play live with: $(BUILT)/performer play --help"

test: setup
	$(CHECKED) test --workspace

# A JACK server with a dummy driver and an ALSA sequencer in an emulated machine, with foreign MIDI programs.
live: live-jack live-alsa

PLAYED = -- --ignored --nocapture --test-threads 1
live-jack: setup
	scripts/setup.sh live
	$(CHECKED) test --workspace --test live_jack --test live_faults --test real_time --test loudness $(PLAYED)

live-alsa: setup
	scripts/setup.sh live
	$(CHECKED) test --workspace --test live_alsa $(PLAYED)

# The shipped models on the real chorales: the data set's figures, T, parity.
data: setup
	CHORALES=$(DATA) $(CHECKED) test --workspace --test shipped_models --test report --test bach_rates --test signatures --test following --test harmony -- --ignored --nocapture

# Harmonizes all validation and test sopranos several times, which takes most of the time and is kept in runs/judged.
judge: setup
	@test -n "$(DATA)" || { echo "say where the chorales are: make judge DATA=jsb_chorales.tgz"; exit 1; }
	cargo build --release -p performer
	$(BUILT)/performer report $(DATA_OPTION) --discriminator --keep runs/judged

# MuseScore engraves our scores, the MusicXML schema validates them, Chromium plays the page, liblo and Python our sockets.
pages: setup
	scripts/pages.sh

# Each fuzz target for so many seconds (cargo-fuzz; fuzz/README.md).
fuzz:
	scripts/fuzz.sh $(or $(SECONDS_EACH),30)

bench: setup
	scripts/bench.sh

bench-live:
	scripts/bench_live.sh

soak:
	scripts/bench_live.sh --soak $(or $(SECONDS),3600)

instructions: setup
	scripts/setup.sh instructions
	scripts/instructions.sh

# Each command goes on where it was cut off. The second generation learns from the first: the WaveNet from all four, the
# LSTM from the two of the first seed.
TRAINER = $(BUILT)/trainer
TAUGHT = --seed 2 --epochs 30 --errors 0.3 --jumps 0.15
FIRST = runs/wavenet-1 runs/lstm-1
SECOND = runs/wavenet-11 runs/lstm-11
train: setup
	cargo build --release --workspace --bin trainer
	for seed in 1 11; do for network in wavenet lstm; do \
		$(TRAINER) train $$network --resume --out runs/$$network-$$seed --seed $$seed --dropout 0.3 $(DATA_OPTION) || exit 1; \
	done; done
	$(TRAINER) train wavenet --resume --out runs/wavenet $(TAUGHT) --dropout 0.2 \
		$(patsubst %,--teacher %/best.safetensors,$(FIRST) $(SECOND)) $(DATA_OPTION)
	$(TRAINER) train lstm --resume --out runs/lstm $(TAUGHT) --dropout 0.3 \
		$(patsubst %,--teacher %/best.safetensors,$(FIRST)) $(DATA_OPTION)
	for network in wavenet lstm; do \
		$(TRAINER) export runs/$$network/best.safetensors -o models/$$network.onnx --force $(DATA_OPTION) || exit 1; \
	done
	$(MAKE) guard

# The programs hold the networks, and after tune_guard its weights.
guard: setup
	for task in live ahead new; do \
		cargo run --release --bin tune_guard -- $(or $(DATA),chorales) $$task || exit 1; \
	done
	for network in wavenet lstm; do for task in live ahead; do \
		cargo run --release --bin fit_critic -- $(or $(DATA),chorales) $$network $$task || exit 1; \
	done; done

# In the release profile, whose proc macros and build scripts are there already.
lint: setup
	cargo fmt --all --check
	$(CHECKED) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --quiet

deny:
	scripts/setup.sh deny
	scripts/deny.sh

# The core for wasm32-unknown-unknown: no tract, no ports, no threads.
wasm:
	scripts/wasm.sh

# One HTML file that plays, and the same as files for a server.
page:
	scripts/page.sh

page-check:
	scripts/page.sh check

# CLAP and VST3, on macOS AUv2 too; builds some C++.
plugin: setup
	scripts/setup.sh plugin
	scripts/plugin.sh

install-plugin: setup
	scripts/setup.sh plugin
	scripts/plugin.sh install

plugin-check: setup
	scripts/setup.sh plugin-check
	scripts/plugin.sh check

# Into target/packages (docs/INSTALL.md), with the plugins, the page and what is for Windows, where it has been built.
packages: setup
	scripts/setup.sh packages
	scripts/packages.sh

deb tarball: setup
	scripts/setup.sh packages
	scripts/packages.sh $@

windows: setup
	scripts/setup.sh windows
	scripts/windows.sh

macos:
	scripts/macos.sh

# As root: a clean Debian is set up below target.
packages-check: setup
	scripts/setup.sh packages-check
	scripts/packages_check.sh

setup:
	@scripts/setup.sh
