//! Decodes `$'…'`, in which escapes can spell any character.

/// Text of a quotation and its length in bytes, the closing mark included. `rest` begins behind
/// the opening mark.
pub(super) fn decode(rest: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut at = 0;
    loop {
        let character = rest.get(at..)?.chars().next()?;
        at += character.len_utf8();
        match character {
            '\'' => return Some((text, at)),
            '\\' => at += escape(rest.get(at..)?, &mut text)?,
            _ => text.push(character),
        }
    }
}

/// Appends what one escape stands for and returns its length behind the backslash.
fn escape(rest: &str, text: &mut String) -> Option<usize> {
    let character = rest.chars().next()?;
    let plain = match character {
        'a' => '\x07',
        'b' => '\x08',
        'e' | 'E' => '\x1b',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' | '\'' | '"' | '?' => character,
        'x' => return Some(1 + number(rest.get(1..)?, 16, 2, text)),
        'u' => return Some(1 + number(rest.get(1..)?, 16, 4, text)),
        'U' => return Some(1 + number(rest.get(1..)?, 16, 8, text)),
        '0'..='7' => return Some(number(rest, 8, 3, text)),
        'c' => {
            let control = rest.get(1..)?.chars().next()?;
            text.push(char::from(u8::try_from(control).unwrap_or_default() & 0x1f));
            return Some(1 + control.len_utf8());
        }
        other => {
            text.extend(['\\', other]);
            return Some(other.len_utf8());
        }
    };
    text.push(plain);
    Some(1)
}

/// Appends the character of a number and returns how many digits it had.
fn number(rest: &str, radix: u32, most: usize, text: &mut String) -> usize {
    let digits = rest.bytes().take(most).take_while(|byte| char::from(*byte).is_digit(radix));
    let length = digits.count();
    let code = rest.get(..length).and_then(|digits| u32::from_str_radix(digits, radix).ok());
    // NUL ends a word in every shell; here it would be taken for an unknown part.
    text.extend(code.filter(|code| *code != 0).and_then(char::from_u32));
    length
}
