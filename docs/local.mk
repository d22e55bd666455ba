# docs: pages that are installed. (The rest of docs/ is for readers of the source.)
exampledir = $(docdir)/examples
dist_example_DATA = docs/examples/desktop.xml
EXTRA_DIST += docs/architecture.md docs/benchmarks.md docs/domain-xml.md docs/failure-scenarios.md docs/grid-protocol.md docs/simulated-host.md docs/xapi.md first-light
