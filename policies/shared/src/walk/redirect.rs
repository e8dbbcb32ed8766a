//! Redirections: which files they touch and what a command then reads.

use brush_parser::ast::{
    IoFileRedirectKind, IoFileRedirectTarget, IoHereDocument, IoRedirect, RedirectList,
};

use super::{Stream, Walk};
use crate::{rules::paths, scope::Scope, word::Mode};

const STANDARD_INPUT: i32 = 0;

impl Walk<'_> {
    /// What the redirections put on standard input, if any does.
    pub(super) fn redirects(
        &mut self,
        list: Option<&RedirectList>,
        scope: &mut Scope,
    ) -> Option<Stream> {
        let mut input = None;
        for redirect in list.into_iter().flat_map(|list| &list.0) {
            input = self.redirect(redirect, scope).or(input);
        }
        input
    }

    pub(super) fn redirect(&mut self, redirect: &IoRedirect, scope: &mut Scope) -> Option<Stream> {
        let (descriptor, stream) = match redirect {
            IoRedirect::File(descriptor, kind, target) => {
                let stream = self.target(target, scope);
                let reads = matches!(
                    kind,
                    IoFileRedirectKind::Read
                        | IoFileRedirectKind::ReadAndWrite
                        | IoFileRedirectKind::DuplicateInput
                );
                (if reads { *descriptor } else { descriptor.or(Some(1)) }, stream)
            }
            IoRedirect::HereDocument(descriptor, document) => {
                (*descriptor, self.document(document, scope))
            }
            IoRedirect::HereString(descriptor, word) => {
                let mut text = self.value(&word.value, Mode::Word, scope).text;
                text.push('\n');
                (*descriptor, Stream::Known(text))
            }
            IoRedirect::OutputAndError(word, _) => {
                self.file(&word.value, scope);
                (Some(1), Stream::Inherited)
            }
        };
        (descriptor.unwrap_or(STANDARD_INPUT) == STANDARD_INPUT).then_some(stream)
    }

    fn target(&mut self, target: &IoFileRedirectTarget, scope: &mut Scope) -> Stream {
        match target {
            IoFileRedirectTarget::Filename(word) => self.file(&word.value, scope),
            IoFileRedirectTarget::Duplicate(word) => {
                let is_descriptor =
                    word.value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                if !is_descriptor {
                    self.file(&word.value, scope);
                } else if !matches!(word.value.as_str(), "0" | "1" | "2" | "-") {
                    // What was put there is not followed.
                    return Stream::Unknown;
                }
            }
            IoFileRedirectTarget::Fd(_) => {}
            IoFileRedirectTarget::ProcessSubstitution(_, shell) => {
                self.refuse_substitution();
                return self.list(&shell.list, &mut scope.clone(), &Stream::Unknown);
            }
        }
        Stream::Inherited
    }

    fn file(&mut self, raw: &str, scope: &mut Scope) {
        for field in self.fields(raw, scope) {
            if let Some(finding) = paths::check(&field, scope, self.settings.strict) {
                self.report(finding);
            }
        }
    }

    fn document(&mut self, document: &IoHereDocument, scope: &mut Scope) -> Stream {
        if !document.requires_expansion {
            return Stream::Known(document.doc.value.clone());
        }
        Stream::Known(self.value(&document.doc.value, Mode::Document, scope).text)
    }
}
