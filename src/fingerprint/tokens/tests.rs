use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn hashes(text: &str) -> Vec<u64> {
    let mut all = Vec::new();
    tokens(text.as_bytes(), |token| all.push(token.hash));
    all
}

/// Values as text, as far as `names` know their hashes.
fn read(text: &str) -> String {
    const WORDS: &str = "alpha beta gamma delta text more Object Error parseInt hello é 𝒳 a/b ab method field /x[/]y/g /ab/ \
                         process number function";
    let mut names: BTreeMap<u64, String> = WORDS
        .split(' ')
        .map(|w| (Hash::of(w.as_bytes()), w.to_owned()))
        .collect();
    for n in [2.0, 8.0, 255.0, 0.5, 6e4, 1024.0, 1e3] {
        names.insert(hashes(&format!("x={n}"))[0], format!("#{n}"));
    }
    let all = hashes(text);
    all.iter()
        .map(|h| names.get(h).map_or("?", String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn what_counts_and_what_does_not() {
    for (text, expected) in [
        ("x.alpha.beta", "alpha beta"),
        ("x?.alpha?.[y]?.beta()", "alpha beta"),
        ("x['alpha']", "alpha"),
        ("({alpha: 1, 'beta': y, gamma, delta() {}})", "alpha beta gamma delta"),
        ("const {alpha, beta: b, gamma = 3} = x", "alpha beta gamma ?"),
        ("f(({alpha}) => { beta, gamma })", "alpha"),
        ("var alpha, beta, gamma; { alpha, beta }", ""),
        ("switch (x) { case y: { alpha, beta } default: { gamma } }", ""),
        (
            "class alpha extends beta { constructor() { alpha } static async *method() {} field = 8; get delta() {} }",
            "method field #8 delta",
        ),
        ("x.a.b.id.alpha", "alpha"),
        (
            "exports.alpha = x.prototype.beta; 'use strict'; x.default",
            "alpha beta",
        ),
        (
            "import alpha, {beta as gamma} from 'text'; export {beta}; export * from 'text'; x.delta",
            "delta",
        ),
        (
            "require('text').alpha; import('text'); __webpack_require__(8330).beta",
            "alpha beta",
        ),
        (
            "Object.alpha(new Error('text'), parseInt)",
            "Object alpha Error text parseInt",
        ),
        ("x = 'alpha\\x20' + \"beta\" + 'gamma' + 'delta'", "? beta ?"),
        ("x = 'al' + 'pha'", "alpha"),
        (
            "x = `text`; y = `text${ {alpha: `more${z}`} }more`",
            "text text alpha more more",
        ),
        ("'\\u00e9' + x, '\u{e9}', '\\ud835\\udcb3'+x, '\\u{1d4b3}'", "é é 𝒳 𝒳"),
        (
            "x = 0xff; y = .5; z = 60 * 1000; w = 1 << 10; v = 1_000; u = 1e3; t = q * 2 * 8",
            "#255 #0.5 #60000 #1024 #1000 #1000 #2 #8",
        ),
        ("f(8), g.alpha(8)", "alpha #8"),
        ("'text' === x.alpha(y.beta) && z.gamma", "alpha beta text gamma"),
        ("x.alpha === 'text' && z.gamma", "alpha text gamma"),
        ("if ('function' == typeof x.alpha) y.beta", "alpha function beta"),
        ("8 !== x.alpha ? y.beta : z", "alpha #8 beta"),
        (
            "a = b / x.alpha / c; d = /x[/]y/g.alpha; e = f(a)/2/g.beta",
            "alpha /x[/]y/g alpha #2 beta",
        ),
        ("if (x) /ab/.alpha; y++ / 2 / 1", "/ab/ alpha #2"),
        ("x = /x[\\/]y/g", "/x[/]y/g"),
        ("// x.alpha\n/* x.beta */ x.gamma /* ", "gamma"),
        ("#!/usr/bin/env x.alpha\nx.beta", "beta"),
        ("x.#alpha; class y { #beta = 2 }", "#2"),
        ("x = 'alpha\nx.beta", "alpha beta"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn written_by_hand_and_by_minifiers_the_same() {
    for (by_hand, minified) in [
        (
            "function f(value) { if (typeof value === 'string') { return value.alpha('x' + 'yz', 60 * 60); } throw new Error('gamma'); }",
            "function f(e){if(\"string\"==typeof e)return e.alpha(\"xyz\",3600);throw new Error(\"gamma\")}",
        ),
        (
            "module.exports = { alpha: alpha, 'beta': beta, gamma: function () { return !0; } };",
            "e.exports={alpha:t,beta:n,gamma(){return!0}};",
        ),
        (
            "const { alpha, beta } = require('./text');\nalpha['delta'] = 1000;",
            "const{alpha:e,beta:t}=r(814);e.delta=1e3;",
        ),
        (
            "var x = y.alpha == null ? void 0 : /[\\/]a\\u00e9/.test('\\u{e9}');",
            "let x=null==y.alpha?void 0:/[/]a\\u00e9/.test(\"é\")",
        ),
    ] {
        assert_eq!(hashes(by_hand), hashes(minified), "{by_hand}");
    }
}

/// A quadratic tokeniser would take hours for these.
#[test]
fn hostile_text_costs_no_more_than_its_length() {
    for unit in [
        "=/[", "(", "{x:", "`${", "\"a\"+", "/*", "x=/", "'\\", "a\n", "get ", "1*", "1<<", "\"a\"===", "class{", "//",
        "}", "<!--",
    ] {
        let text = unit.repeat((4 << 20) / unit.len());
        let mut count = 0usize;
        tokens(text.as_bytes(), |_| count += 1);
        assert!(count <= text.len(), "{unit}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(text in proptest::collection::vec(any::<u8>(), 0..400), code in "[ -~\n]{0,200}") {
        for text in [text.as_slice(), code.as_bytes()] {
            tokens(text, |token| assert!((token.at as usize) < text.len()));
        }
    }

    #[test]
    fn blanks_do_not_count(code in "[a-z.,;(){}'=+/ 0-9\\[\\]]{0,80}") {
        let spaced: String = code.replace(';', "; \n/* x */").replace(',', " , ");
        if !code.contains(['\'', '/']) {
            prop_assert_eq!(hashes(&code), hashes(&spaced));
        }
    }
}

#[test]
fn literals_among_literals_are_cells() {
    let kinds = |text: &str| {
        let mut all = String::new();
        tokens(text.as_bytes(), |token| {
            all.push(match token.kind {
                Kind::Word => 'w',
                Kind::Number => '#',
                Kind::Cell => '.',
            });
        });
        all
    };
    for (text, expected) in [
        ("x={alpha:'beta','gamma':'delta',text:22}", ".....#"),
        ("x=['alpha','beta',['gamma',7],'delta']", "...#."),
        ("x={alpha:beta,gamma:'delta'+y,text:more('hello')}", "w.www"),
        ("f('alpha',['beta'].gamma)", "w.w"),
        ("x.alpha='beta'", "ww"),
    ] {
        assert_eq!(kinds(text), expected, "{text}");
    }
}

#[test]
fn long_bodies_of_functions_are_told() {
    let words = |count: usize| "x.alpha;".repeat(count);
    let body = |first, end, is_called| Body { first, end, is_called };
    let (few, many) = (words(9), words(80));
    for (text, expected) in [
        (format!("a.alpha=function(b){{{many}}}"), vec![body(1, 81, false)]),
        (format!("a=b((c,d)=>{{{many}}});"), vec![body(0, 80, false)]),
        (format!("(()=>{{{many}}})();"), vec![body(0, 80, true)]),
        (format!("(function(){{{many}}}).call(this)"), vec![body(0, 80, true)]),
        (format!("!function(){{{many}}}()"), vec![body(0, 80, true)]),
        (
            format!("function a(){{{few}function b(){{{many}}}}}"),
            vec![body(9, 89, false), body(0, 89, false)],
        ),
        (format!("a={{alpha(){{{many}}}}}"), vec![body(1, 81, false)]),
        // Too short, no function's, or without an end.
        (format!("function a(){{{few}}}"), Vec::new()),
        (format!("if(a){{{many}}}else{{{many}}}"), Vec::new()),
        (format!("class A{{alpha={{beta:[{many}]}}}}"), Vec::new()),
        (format!("function a(){{{many}"), Vec::new()),
    ] {
        assert_eq!(tokens(text.as_bytes(), |_| ()), expected, "{}", &text[..20]);
    }
}
