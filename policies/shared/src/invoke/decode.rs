//! Texts that a program only spells in another way: escapes, base64, reversed lines.

/// Escapes of `echo -e`, `printf` and `%b`; none where one is not known.
pub(super) fn escapes(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = rest.get(at + 1..)?;
        let (character, length) = escape(rest)?;
        plain.extend(character);
        rest = rest.get(length..)?;
    }
    plain.push_str(rest);
    Some(plain)
}

fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let first = rest.chars().next()?;
    let (radix, skip, most) = match first {
        'n' => return Some((Some('\n'), 1)),
        't' => return Some((Some('\t'), 1)),
        'r' => return Some((Some('\r'), 1)),
        '\\' | '"' | '\'' => return Some((Some(first), 1)),
        'e' => return Some((Some('\x1b'), 1)),
        'x' => (16, 1, 2),
        'u' => (16, 1, 4),
        '0' => (8, 0, 4),
        '1'..='7' => (8, 0, 3),
        _ => return None,
    };
    let digits = rest.get(skip..)?.bytes().take(most);
    let count = digits.take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let code = u32::from_str_radix(rest.get(skip..skip + count)?, radix).ok()?;
    // NUL ends a text and stands for what is unknown here.
    Some((char::from_u32(code).filter(|character| *character != '\0'), skip + count))
}

pub(super) fn base64(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => continue,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    text_of(bytes)
}

/// Pairs of hexadecimal digits, as `xxd -r -p` reads them.
pub(super) fn hexadecimal(text: &str) -> Option<String> {
    let digits: Vec<_> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    text_of(pairs.collect::<Option<_>>()?)
}

pub(super) fn reversed(text: &str) -> String {
    text.lines().map(|line| line.chars().rev().collect::<String>() + "\n").collect()
}

fn text_of(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_read() {
        assert_eq!(escapes(r"\x72\155 \u0061\n").as_deref(), Some("rm a\n"));
        assert_eq!(escapes(r"\q"), None);
        assert_eq!(base64("cm0gLXJmIC8K").as_deref(), Some("rm -rf /\n"));
        assert_eq!(base64("c3Vkbw==").as_deref(), Some("sudo"));
        assert_eq!(base64("no!"), None);
        assert_eq!(hexadecimal("72 6d").as_deref(), Some("rm"));
        assert_eq!(reversed("ab\ncd"), "ba\ndc\n");
    }
}
