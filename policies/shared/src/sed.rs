//! What a `sed` program does besides editing: it may run commands and open files.

/// Found in a program.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    /// Commands of `e`, and replacements that the flag `e` runs.
    pub(crate) commands: Vec<String>,
    /// Files of `r` and `w`.
    pub(crate) files: Vec<String>,
}

pub(crate) fn effects(program: &str) -> Effects {
    let mut reader = Reader { rest: program, effects: Effects::default() };
    while reader.command().is_some() {}
    reader.effects
}

struct Reader<'a> {
    rest: &'a str,
    effects: Effects,
}

impl<'a> Reader<'a> {
    /// Reads one command; none at the end, or where the program makes no sense.
    fn command(&mut self) -> Option<()> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', ';', '{', '}']);
        self.address()?;
        let command = self.next()?;
        match command {
            'e' => {
                let line = self.line();
                self.effects.commands.push(line.to_owned());
            }
            'r' | 'R' | 'w' | 'W' => {
                let line = self.line();
                self.effects.files.push(line.to_owned());
            }
            's' => self.substitution()?,
            'y' => {
                let mark = self.next()?;
                self.section(mark)?;
                self.section(mark)?;
            }
            'a' | 'i' | 'c' | '#' | ':' => {
                self.line();
            }
            _ => {
                let end = self.rest.find([';', '\n', '}']).unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            }
        }
        Some(())
    }

    /// `1,/x/` and its like.
    fn address(&mut self) -> Option<()> {
        loop {
            let first = self.rest.chars().next()?;
            match first {
                '/' => {
                    self.next();
                    self.section('/')?;
                    self.rest = self.rest.trim_start_matches(['I', 'M']);
                }
                '\\' => {
                    self.next();
                    let mark = self.next()?;
                    self.section(mark)?;
                }
                _ if first.is_ascii_digit()
                    || matches!(first, '$' | ',' | '~' | '+' | '!' | ' ') =>
                {
                    self.next();
                }
                _ => return Some(()),
            }
        }
    }

    fn substitution(&mut self) -> Option<()> {
        let mark = self.next()?;
        self.section(mark)?;
        let replacement = self.section(mark)?;
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let flags = &self.rest[..end];
        if let Some(at) = flags.find('w') {
            self.rest = &self.rest[at + 1..];
            let file = self.line().to_owned();
            self.effects.files.push(file);
        } else {
            self.rest = &self.rest[end..];
        }
        if flags.split('w').next().is_some_and(|flags| flags.contains('e')) {
            self.effects.commands.push(replacement.to_owned());
        }
        Some(())
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    /// Text up to the mark, which is taken as well. In a set of characters it is a plain one.
    fn section(&mut self, mark: char) -> Option<&'a str> {
        let whole = self.rest;
        let mut characters = whole.char_indices();
        while let Some((at, character)) = characters.next() {
            if character == '\\' {
                characters.next();
            } else if character == mark {
                self.rest = characters.as_str();
                return Some(&whole[..at]);
            }
        }
        self.rest = "";
        None
    }

    fn line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line.trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_run_only_by_e() {
        for program in ["e", "1e ls", "s/a/b/e", "p;s|a|b|ge", "/x/{s/a/b/;e id\n}"] {
            assert!(!effects(program).commands.is_empty(), "{program}");
        }
        for program in ["s/e/x/", "s/a/the e/g", "/e/d", "p", "s/a/b/w e", "$a export e", "y/e/f/"]
        {
            assert!(effects(program).commands.is_empty(), "{program}");
        }
    }

    #[test]
    fn files_are_found() {
        for program in ["w /etc/x", "/x/r /etc/x", "s/a/b/w /etc/x", "s#a#b#gw /etc/x"] {
            assert_eq!(effects(program).files, ["/etc/x"], "{program}");
        }
        assert!(effects("s#/usr#/opt#;/write/d").files.is_empty());
    }
}
