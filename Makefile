# Sluice: `make demo` runs it, `make test` proves it. Both do all the set-up themselves on a Debian
# with rustup, gcc and make.

TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),$(CURDIR)/target)
export CARGO_TARGET_DIR := $(TARGET_DIR)

WASM := wasm32-unknown-unknown
COMPONENTS := retry categorize prometheus otlp statsd
EXAMPLES := patient-retry
PLUGINS := $(TARGET_DIR)/plugins
EXAMPLE_PLUGINS := $(TARGET_DIR)/example-plugins
CORE := $(TARGET_DIR)/$(WASM)/component

.PHONY: build components demo test interop authors bench soak scoreboard check clean

# The optimised binary, at release/sluice under the target directory.
build:
	@cargo build --release --locked -p sluice

# The shipped policies as WebAssembly components, under plugins/ in the target directory, where
# `demo` and `serve` find them beside the executable. Without them the native policies serve.
components:
	@rustup target list --installed 2>/dev/null | grep -qx $(WASM) || rustup target add $(WASM) >&2 || \
	  { echo "missing: the Rust target $(WASM); run 'rustup target add $(WASM)'" >&2; exit 1; }
	@cargo build --locked --profile component --target $(WASM) \
	  $(foreach c,$(COMPONENTS),-p sluice-component-$(c)) $(foreach e,$(EXAMPLES),-p sluice-example-$(e))
	@cargo build --locked -p sluice-componentize
	@mkdir -p $(PLUGINS) $(EXAMPLE_PLUGINS)
	@$(TARGET_DIR)/debug/componentize \
	  $(foreach c,$(COMPONENTS),$(CORE)/sluice_component_$(c).wasm $(PLUGINS)/$(c).wasm) \
	  $(foreach e,$(EXAMPLES),$(CORE)/sluice_example_$(subst -,_,$(e)).wasm $(EXAMPLE_PLUGINS)/$(e).wasm)

# A Telegram data center and the gateway side by side; one line of JSON on stdout when ready.
demo: components build
	@$(TARGET_DIR)/release/sluice demo

test: components
	@cargo test --locked --workspace $(foreach c,$(COMPONENTS),--exclude sluice-component-$(c))
	@tests/interop/run
	@tests/authors/run

# Clients that others wrote against our data center.
interop:
	@tests/interop/run

# Plugins in every language, from `plugin new` to a running gateway.
authors: components
	@tests/authors/run

bench: components
	@cargo bench --locked -p sluice-mtproto -p sluice-tl -p sluice-policy
	@tests/load/run

# Every row of the scoreboard and the chaos tests with their whole counts (minutes).
# ROWS=name: only tests whose name contains it.
soak: components
	@ROWS='$(ROWS)' tests/load/soak

# The same and the load tool, written into docs/scoreboard.md. ROWS=name measures one row again,
# ROWS=load the load tool's; the others stay.
scoreboard: components
	@ROWS='$(ROWS)' tests/load/scoreboard

check:
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings

clean:
	@cargo clean
