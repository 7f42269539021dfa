"""Each rule of style.py finds what it is for, and passes over what it is not for."""

import tempfile
import textwrap
import unittest
from pathlib import Path

import style


def findings(rule, files):
    """What the rule says of a tree with these files, as (path, line, subject)."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        found = list(style.RULES[rule](style.Tree(Path(folder))))
    return sorted((finding.path, finding.line, finding.subject) for finding in found)


def functions(source):
    return list(style.functions(textwrap.dedent(source).lstrip("\n")))


class FunctionTest(unittest.TestCase):
    def test_a_function_runs_from_its_first_line_to_its_closing_brace(self):
        self.assertEqual(functions("""
            namespace a {
            [[nodiscard]] int first(int x,
                                    int y) {
                if (x) {
                    return 1;
                }
                return y;
            }

            void second() { go(); }
            }  // namespace a
            """), [("first", 2, 8), ("second", 10, 10)])

    def test_methods_constructors_with_initializers_and_tests_are_functions(self):
        self.assertEqual(functions("""
            class Room final : public Base {
             public:
                explicit Room(int size) : size_(size), names_{size, 3} {
                    fill();
                }
                int size() const noexcept { return size_; }

             private:
                int size_ = 0;
                std::vector<int> names_{1, 2};
            };
            Room::~Room() = default;
            TEST_CASE("a room has a size (in members)") {
                CHECK(Room(1).size() == 1);
            }
            """), [("Room", 3, 5), ("size", 6, 6), ("TEST_CASE", 13, 15)])

    def test_values_and_types_are_no_functions(self):
        self.assertEqual(functions("""
            enum class Kind : std::uint8_t { one, two };
            constexpr Row table[] = {
                {"a", f(1)},
                {"b", f(2)},
            };
            const auto callback = [](int x) {
                return x;
            };
            struct Pair {
                int a = 0;
            };
            """), [])

    def test_braces_in_text_and_comments_do_not_count(self):
        self.assertEqual(functions("""
            // an open { brace
            const char* text() {
                const char brace = '{';
                return "{{{" R"x({)x" "\\"{";  // {
            }
            int after() { return 1'000'000; }
            """), [("text", 2, 5), ("after", 6, 6)])

    def test_a_long_function_is_found_in_cpp_and_python(self):
        body = "    go();\n" * style.FUNCTION_LINES_MAX
        found = findings("function_length", {
            "src/common/x.cpp": "void ok() {\n" + body[10 * 2:] + "}\nvoid bad() {\n" + body + "}\n",
            "bench/x.py": "def bad():\n" + body})
        self.assertEqual(found, [("bench/x.py", 1, "bad"), ("src/common/x.cpp", 71, "bad")])


class RuleTest(unittest.TestCase):
    def test_a_file_of_500_lines_is_too_long(self):
        found = findings("file_length", {"src/common/a.cpp": "\n" * 499, "bench/b.py": "\n" * 500})
        self.assertEqual(found, [("bench/b.py", 500, "file")])

    def test_wrapped_headers_are_included_by_their_wrapper_alone(self):
        for header, place in (("liburing.h", "src/uring_async/io/ring.cpp"),
                              ("boost/context/detail/fcontext.hpp", "src/uring_async/fiber/x.hpp"),
                              ("sys/epoll.h", "src/common/epoll.cpp")):
            text = f"#pragma once\n#include <{header}>\n"
            found = findings("foreign_headers", {place: text, "src/pipeline/a.cpp": text,
                                                 "src/uring_async/chat/a.cpp": text,
                                                 "tests/unit/a_test.cpp": text})
            self.assertEqual(found, [("src/pipeline/a.cpp", 2, header),
                                     ("src/uring_async/chat/a.cpp", 2, header)])

    def test_dependencies_point_one_way(self):
        for name, header, allowed in (
                ("src/common/a.cpp", "common/b.hpp", True),
                ("src/common/a.cpp", "pipeline/b.hpp", False),
                ("src/pipeline/a.cpp", "uring_async/io/io.hpp", False),
                ("src/uring_async/a.cpp", "pipeline/b.hpp", False),
                ("src/uring_async/a.cpp", "uring_async/io/io.hpp", True),
                ("src/uring_async/io/a.cpp", "uring_async/fiber/fiber.hpp", False),
                ("src/uring_async/fiber/a.cpp", "uring_async/chat/room.hpp", False),
                ("loadgen/a.cpp", "uring_async/fiber/fiber.hpp", True),
                ("loadgen/a.cpp", "uring_async/chat/room.hpp", False),
                ("loadgen/a.cpp", "bench/floor_run.hpp", False),
                ("bench/a.cpp", "uring_async/io/ring.hpp", True),
                ("bench/a.cpp", "uring_async/fiber/fiber.hpp", True),
                ("bench/a.cpp", "uring_async/chat/room.hpp", False)):
            with self.subTest(name=name, header=header):
                found = findings("dependencies", {name: f'#include "{header}"\n'})
                self.assertEqual(found, [] if allowed else [(name, 1, header)])

    def test_a_folder_that_no_rule_knows_is_found(self):
        self.assertEqual(findings("dependencies", {"src/new/a.cpp": ""}),
                         [("src/new/a.cpp", 1, "folder")])

    def test_socket_options_are_set_in_one_place(self):
        call = "void f() {\n    ::setsockopt(1, 2, 3, nullptr, 0);  // setsockopt\n}\n"
        found = findings("socket_options", {"src/common/socket_ops.cpp": call,
                                            "src/pipeline/a.cpp": call,
                                            "src/pipeline/b.cpp": "// setsockopt is elsewhere\n"})
        self.assertEqual(found, [("src/pipeline/a.cpp", 2, "setsockopt")])

    def test_notes_for_later_are_found_in_code_and_text(self):
        later = "TO" "DO"
        found = findings("unfinished", {"src/a.cpp": f"// {later}: x\n", "docs/a.md": f"\n{later}\n",
                                        "src/b.cpp": f"int {later}S;\n"})
        self.assertEqual(found, [("docs/a.md", 2, later), ("src/a.cpp", 1, later)])

    def test_a_file_includes_its_own_header_first(self):
        header = "#pragma once\n"
        found = findings("own_header_first", {
            "src/common/a.hpp": header, "src/common/a.cpp": '#include "common/a.hpp"\n',
            "loadgen/a.hpp": header, "loadgen/a.cpp": '#include "loadgen/a.hpp"\n',
            "src/common/b.hpp": header, "src/common/b.cpp": '#include <vector>\n#include "common/b.hpp"\n',
            "src/pipeline/main.cpp": "#include <vector>\n"})
        self.assertEqual(found, [("src/common/b.cpp", 1, "include")])

    def test_a_header_begins_with_pragma_once(self):
        found = findings("pragma_once", {"src/a.hpp": "// About it.\n\n#pragma once\n",
                                         "src/b.hpp": "#include <vector>\n#pragma once\n"})
        self.assertEqual(found, [("src/b.hpp", 1, "pragma")])

    def test_a_header_without_its_own_file_compiles_alone(self):
        found = findings("lone_headers", {
            "src/common/a.hpp": "#pragma once\n#include <cstdint>\nstd::uint8_t a();\n",
            "src/common/b.hpp": "#pragma once\nstd::uint8_t b();\n",
            "src/common/c.hpp": "#pragma once\nnot C++, but the build compiles it\n",
            "tests/unit/common/c_test.cpp": '#include "common/c.hpp"\n'})
        self.assertEqual(found, [("src/common/b.hpp", 1, "alone")])

    def test_code_that_is_not_formatted_is_found(self):
        files = {"src/a.cpp": "int  a;\n", "src/b.cpp": "int b;\n"}
        try:
            self.assertEqual(findings("formatting", files), [("src/a.cpp", 1, "format")])
        except style.CannotCheck as missing:
            self.skipTest(str(missing))


class AllowedTest(unittest.TestCase):
    def check(self, allowed):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "src").mkdir()
            (Path(folder) / "src/a.hpp").write_text("int a;\n", encoding="utf-8")
            (Path(folder) / "allowed").write_text(allowed, encoding="utf-8")
            return style.check("pragma_once", style.Tree(Path(folder)),
                               style.read_allowed(Path(folder) / "allowed", "pragma_once"))

    def test_a_finding_fails_with_its_place_and_advice(self):
        self.assertEqual(self.check(""), ["src/a.hpp:1: begin the header with #pragma once"])

    def test_an_allowed_finding_is_let_through(self):
        self.assertEqual(self.check("# for now\npragma_once src/a.hpp pragma  # old\n"), [])

    def test_an_entry_of_another_rule_does_not_count(self):
        self.assertEqual(len(self.check("file_length src/a.hpp pragma\n")), 1)

    def test_an_entry_that_is_not_needed_fails(self):
        lines = self.check("pragma_once src/a.hpp pragma\npragma_once src/gone.hpp pragma\n")
        self.assertEqual(lines, ["tests/tidy/allowed.txt: 'pragma_once src/gone.hpp pragma' is not "
                                 "needed any more: remove it"])


if __name__ == "__main__":
    unittest.main()
