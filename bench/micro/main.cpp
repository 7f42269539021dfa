// build/bench/micro: what single steps cost. Google Benchmark's options, --help lists them.

#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
