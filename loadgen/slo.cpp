#include "loadgen/slo.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace ringside::loadgen {

namespace {

// Reads a number from the front of `text` and takes it off; nothing where there is none.
std::optional<double> take_number(std::string_view& text) {
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(value) || value <= 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

std::optional<double> unit_ns(std::string_view unit) {
    if (unit == "ns") return 1;
    if (unit == "us") return 1e3;
    if (unit == "ms") return 1e6;
    if (unit == "s") return 1e9;
    return std::nullopt;
}

std::string time_text(std::uint64_t ns) {
    return fmt::format("{:.6g} ms", static_cast<double>(ns) / 1e6);
}

// A value beyond the histogram has no bucket; one within stands for all of its bucket.
bool within(std::uint64_t value_ns, std::uint64_t limit_ns) {
    return value_ns < Histogram::value_limit &&
           Histogram::index_of(value_ns) <= Histogram::index_of(limit_ns);
}

}  // namespace

std::optional<Slo> parse_slo(std::string_view text) {
    Slo slo;
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        slo.kind = latency_named(text.substr(0, colon));
        if (!slo.kind) return std::nullopt;
        text.remove_prefix(colon + 1);
    }
    if (!text.starts_with('p')) return std::nullopt;
    text.remove_prefix(1);
    const auto percentile = take_number(text);
    if (!percentile || *percentile >= 100 || !text.starts_with("<=")) return std::nullopt;
    text.remove_prefix(2);
    const auto limit = take_number(text);
    const auto unit = unit_ns(text);
    if (!limit || !unit || *limit * *unit < 1 ||
        *limit * *unit >= static_cast<double>(Histogram::value_limit)) {
        return std::nullopt;
    }
    slo.percentile = *percentile;
    slo.limit_ns = static_cast<std::uint64_t>(std::llround(*limit * *unit));
    return slo;
}

std::string slo_text(const Slo& slo, Latency by_default) {
    return fmt::format("p{} of {} <= {}", slo.percentile,
                       latency_name(slo.kind.value_or(by_default)), time_text(slo.limit_ns));
}

std::uint64_t samples_needed(const Slo& slo) {
    return static_cast<std::uint64_t>(std::llround(10 / (1 - slo.percentile / 100)));
}

SloVerdict judge(const Slo& slo, const Recorder& recorder, Latency by_default) {
    const Latency kind = slo.kind.value_or(by_default);
    const Histogram& latency = recorder.latency(kind);
    const double quantile = slo.percentile / 100;
    const std::string what = fmt::format("{} p{}", latency_name(kind), slo.percentile);
    if (!supports_quantile(latency.count(), quantile)) {
        return {{},
                fmt::format("{} needs {} samples, there are {}", what, samples_needed(slo),
                            latency.count())};
    }
    const std::uint64_t measured_ns = latency.at_quantile(quantile);
    const bool met = within(measured_ns, slo.limit_ns);
    // Those that had no end by then may all be above the limit, however short they were by then.
    const std::uint64_t endless = recorder.endless(kind);
    const double shifted =
        quantile + static_cast<double>(endless) / static_cast<double>(latency.count());
    if (met && endless > 0 &&
        (shifted > 1 || !within(latency.at_quantile(shifted), slo.limit_ns))) {
        return {
            {},
            fmt::format("{} is {} or more, since {} of {} messages were not sent or not answered",
                        what, time_text(measured_ns), endless, latency.count())};
    }
    return {met, fmt::format("{} is {}, at most {} wanted", what, time_text(measured_ns),
                             time_text(slo.limit_ns))};
}

}  // namespace ringside::loadgen
