//! A small C project to build: a calculator of several parts, with tests.

use std::fs;
use std::io;
use std::path::Path;

const OPERATIONS: [(&str, &str); 6] = [
    ("add", "a + b"),
    ("subtract", "a - b"),
    ("multiply", "a * b"),
    ("divide", "b ? a / b : 0"),
    ("greater", "a > b ? a : b"),
    ("smaller", "a < b ? a : b"),
];

/// Writes the project, leaving what is there.
pub fn write(folder: &Path) -> io::Result<()> {
    for below in ["include", "src", "tests"] {
        fs::create_dir_all(folder.join(below))?;
    }
    let new = |path: &str, text: String| {
        let path = folder.join(path);
        if path.exists() { Ok(()) } else { fs::write(path, text) }
    };
    new("include/number.h", "#pragma once\n\ntypedef long number;\n".to_owned())?;
    let mut all = String::from("#pragma once\n\n");
    for (name, expression) in OPERATIONS {
        all += &format!("#include \"{name}.h\"\n");
        new(
            &format!("include/{name}.h"),
            format!("#pragma once\n\n#include \"number.h\"\n\nnumber {name}(number a, number b);\n"),
        )?;
        new(
            &format!("src/{name}.c"),
            format!(
                "#include \"../include/{name}.h\"\n\nnumber {name}(number a, number b)\n{{\n    return {expression};\n}}\n"
            ),
        )?;
    }
    new("include/all.h", all)?;
    new("src/calculator.c", CALCULATOR.to_owned())?;
    new("tests/arithmetic.c", test("add(2, 3) == 5 && subtract(2, 3) == -1 && multiply(4, 5) == 20"))?;
    new("tests/order.c", test("greater(2, 3) == 3 && smaller(2, 3) == 2 && divide(7, 2) == 3"))
}

fn test(condition: &str) -> String {
    format!(
        "#include <stdio.h>\n\n#include \"../include/all.h\"\n\nint main(void)\n{{\n    if (!({condition})) {{\n        \
         printf(\"not so: {condition}\\n\");\n        return 1;\n    }}\n    return 0;\n}}\n"
    )
}

const CALCULATOR: &str = r#"#include <stdio.h>
#include <stdlib.h>

#include "../include/all.h"

int main(int count, char **words)
{
    number a = count > 1 ? atol(words[1]) : 6;
    number b = count > 2 ? atol(words[2]) : 7;
    printf("%ld %ld %ld\n", add(a, b), subtract(a, b), multiply(a, b));
    return 0;
}
"#;
