"""Text for comparing tokenizers: hand-picked hard cases, and random mixtures of them from a fixed seed."""

import random

_PLAIN = (
    "",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    " \n \n  ",
    "a",
    " a",
    "a ",
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "   leading and trailing   ",
    "tabs\tand\tmore\t\ttabs",
    "line one\nline two\r\nline three\n\n\nline six",
    "I'm sure you'll say they've gone; it's what he'd do, isn't it? WE'RE NOT, I'LL BET, IT'S",
    "don''t 's 't 're ' s 'S'LL ''''",
    "0 1 12 123 1234 12345 1234567890 3.14159 -42 1e-9 0x1F 1,000,000",
    "in 2024, on 24/12 at 08:15:59.250 (UTC+2)",
    "Price: $5.99, £7, 8€, 100%; #hash @user & co. * ^ ~ ` | \\ / _under_score_",
    "!!!???...---===+++***((([[[{{{}}}]]])))<<<>>>",
    "http://example.com/path?x=1&y=%20#frag mail@example.org",
    "camelCase snake_case SCREAMING_CASE kebab-case PascalCase",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
)

_CODE = (
    'int main(void) {\n    return printf("%d\\n", x << 2);\n}\n',
    "def f(x: int) -> int:\n\treturn x ** 2 if x else -1  # comment\n",
    "for (;;) { a[i++] += b->c.d; } // loop\n/* done */",
    '<html><body class="x">&nbsp;</body></html>',
    "SELECT * FROM t WHERE a >= 10 AND b != 'it''s';",
    '{"key": [1, 2.5, null, true], "nested": {"a": "\\u00e9"}}',
    "#!/bin/sh\nset -eu\nls -la | grep -v '^d' > /dev/null 2>&1",
    "\\begin{equation} e^{i\\pi} + 1 = 0 \\end{equation}",
    "                deep indentation\n        less\n    four",
)

_SCRIPTS = (
    "Où est l'été ? Ça coûte très cher, naïve façade.",
    "Größe, Straße, Übermut, Äpfel; ẞ",
    "El niño comió piñas. ¿Qué? ¡Sí!",
    "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Zażółć gęślą jaźń",
    "Быстрая коричневая лиса прыгает через ленивую собаку, 1999 год.",
    "Η γρήγορη καφέ αλεπού πηδάει πάνω από το σκυλί",
    "שלום עולם, מה שלומך? בְּרֵאשִׁית",
    "السلام عليكم ورحمة الله ١٢٣٤٥",
    "नमस्ते दुनिया, यह १२३ है",
    "สวัสดีชาวโลก ๑๒๓",
    "你好，世界！今天是2024年12月24日。",
    "日本語のテキスト、カタカナとひらがな。ﾊﾝｶｸ",
    "안녕하세요 세계, 오늘은 좋은 날",
    "Xin chào thế giới, tiếng Việt",
    "ქართული ენა · Հայերեն · አማርኛ · ᏣᎳᎩ · ꦧꦱ",
    "İstanbul'da ığdır, ǅ ǆ ŉ ſ",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 𝒜 𐍈 𐎠 𒀀 𓀀",
    "Ⅷ ½ ² ₃ ① ⑳ 〇 ㊿ ⅓ ௧ ๙ ٣",
)

_SYMBOLS = (
    "😀 😃😄 🎉🎉🎉 ❤️ 👍🏽",
    "👨‍👩‍👧‍👦 family, 🏳️‍🌈 flag, 🇫🇷🇩🇪 1️⃣ #️⃣",
    "e\u0301 vs é, a\u0308\u0301\u0323, Z\u0351\u036b\u0343a\u0319\u0340l\u0321g\u0322o",
    "“smart” ‘quotes’ — em–dash … ellipsis « guillemets »",
    "∑∫√∞≈≠≤≥±×÷ ∀x∈ℝ: ⌈x⌉ → ← ⇒",
    "│┌─┐└─┘█▓▒░ ★☆♠♣♥♦ ☎✓✗",
    "non\u00a0breaking thin\u2009space ideographic\u3000space\u2028line\u2029para\u0085nel",
    "zero\u200bwidth\u200cjoiner\u200dmarks\ufeffbom \u202ertl\u202c",
    "\u2581lower one eighth\u2581\u2581block",
    "replacement \ufffd private \ue000 noncharacter \ufdd0 \U0010fffd unassigned \u0378",
    "\x01\x02\x03\x07\x08\x0b\x0c\x0e\x1b[31mred\x1b[0m\x1c\x1d\x1e\x1f\x7f\x80\x9f",
    "\x04\x06\x13\x14\x16 rare controls",
)

_SPECIALS = (
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "<|endoftext|>",
    "text<|endoftext|>more<|endoftext|>",
    "<|im_start|><|im_start|><|im_end|>",
    " <|im_end|> ",
    "<|im_start <|im_end| <|im_end|",
    "<repo_name>x<file_sep>y<gh_stars>12<jupyter_code>z<empty_output>",
    "<|im_start|>system\n<|im_start|>nested<|im_end|>",
    "<s>[INST] <<SYS>>be kind<</SYS>> hello [/INST] </s>",
    "<unk><0x0A><0xFF> <0x41>",
    "<|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>",
    "<tool>call</tool><tool><tool>",
    "<filename><|im_end|><reponame>",
)

_LONG = (
    "a" * 300,
    "ab" * 200,
    " " * 130,
    "\n" * 70,
    "1" * 100,
    "=" * 90,
    "word " * 60,
    "é" * 80,
    "字" * 60,
    "😀" * 40,
    "\t " * 40,
)

HAND_PICKED = _PLAIN + _CODE + _SCRIPTS + _SYMBOLS + _SPECIALS + _LONG


def _mixture(generator: random.Random) -> str:
    parts = []
    for _ in range(generator.randint(2, 6)):
        source = generator.choice(HAND_PICKED)
        start = generator.randrange(len(source) + 1)
        parts.append(source[start : start + generator.randint(1, 24)])
    return generator.choice(["", " ", "\n", "  "]).join(parts)


def _scalars(generator: random.Random) -> str:
    """Characters from anywhere in the first two planes, without NUL (the file's separator) and surrogates."""
    blocks = [
        generator.choice([0x20, 0x80, 0x400, 0x900, 0x2000, 0x3000, 0xAC00, 0x1F300])
        for _ in range(12)
    ]
    scalars = (block + generator.randrange(0x100) for block in blocks)
    return "".join(chr(scalar) for scalar in scalars)


def strings(seed: int = 1, mixtures: int = 400, random_scalars: int = 150) -> list[str]:
    """The hand-picked strings, then mixtures of their pieces, then strings of random characters."""
    generator = random.Random(seed)
    mixed = [_mixture(generator) for _ in range(mixtures)]
    scattered = [_scalars(generator) for _ in range(random_scalars)]
    return [*HAND_PICKED, *mixed, *scattered]
