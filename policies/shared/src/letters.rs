//! Sets of bytes that texts are held against, one look for each byte.

/// Letters and digits, and some others.
pub(crate) struct Letters([bool; 256]);

impl Letters {
    pub(crate) const fn and(others: &[u8]) -> Self {
        let mut among = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            among[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        let mut at = 0;
        while at < others.len() {
            among[others[at] as usize] = true;
            at += 1;
        }
        Self(among)
    }

    /// How many bytes at the beginning of a text are among them.
    pub(crate) fn leading(&self, text: &[u8]) -> usize {
        text.iter().take_while(|byte| self.0[usize::from(**byte)]).count()
    }

    pub(crate) fn are_all_of(&self, text: &str) -> bool {
        text.bytes().all(|byte| self.0[usize::from(byte)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LETTERS: Letters = Letters::and(b"-_");

    #[test]
    fn letters_digits_and_the_others_are_among_them() {
        assert!(LETTERS.are_all_of("aZ09-_"));
        assert!(LETTERS.are_all_of(""));
        assert!(!LETTERS.are_all_of("a b") && !LETTERS.are_all_of("ä"));
    }

    #[test]
    fn what_leads_ends_where_something_else_stands() {
        assert_eq!(LETTERS.leading(b"ab c"), 2);
        assert_eq!(LETTERS.leading(b" ab"), 0);
        assert_eq!(LETTERS.leading(b"abc"), 3);
    }
}
