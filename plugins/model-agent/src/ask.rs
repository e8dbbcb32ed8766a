//! Asks a model, and once more where its answer can't be used, with the problem
//! named.

/// Who says something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    User,
    Assistant,
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// How to answer, whatever is asked.
    pub instructions: &'static str,
    pub turns: Vec<(Speaker, String)>,
    /// A JSON Schema.
    pub schema: &'static str,
    pub max_tokens: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Finished,
    Length,
    Refused,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub stop: Stop,
}

/// Why there is no answer. The texts are sentences for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    Denied(String),
    NotFound(String),
    Invalid(String),
    TooLarge(String),
    Timeout,
    Quota(String),
    Unavailable(String),
    /// Of the host's; or the model answered what can't be used.
    Internal(String),
}

/// Asks until `read` takes the answer, at most twice.
///
/// # Errors
/// What the host answers instead of the model; `Invalid` where the model
/// declines; `Internal` where both answers can't be used.
pub fn ask<T>(
    mut question: Question,
    mut model: impl FnMut(&Question) -> Result<Answer, Trouble>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Trouble> {
    let (said, problem) = match attempt(&question, &mut model, &read)? {
        Ok(value) => return Ok(value),
        Err(failed) => failed,
    };
    // What it said is shown to it, if that is known: the host keeps what does
    // not fit the schema.
    let said = if said.is_empty() { "(an answer that could not be read)".to_owned() } else { said };
    question.turns.push((Speaker::Assistant, said));
    question.turns.push((
        Speaker::User,
        format!(
            "That answer can't be used: {problem}\nAnswer the same question again, whole, and \
             without that problem."
        ),
    ));
    match attempt(&question, &mut model, &read)? {
        Ok(value) => Ok(value),
        Err((_, problem)) => Err(Trouble::Internal(format!(
            "The model was asked twice and gave no answer that can be used: {problem}"
        ))),
    }
}

/// The outer error is final; the inner one is what was said and what is wrong
/// with it.
fn attempt<T>(
    question: &Question,
    model: &mut impl FnMut(&Question) -> Result<Answer, Trouble>,
    read: &impl Fn(&str) -> Result<T, String>,
) -> Result<Result<T, (String, String)>, Trouble> {
    let answer = match model(question) {
        Ok(answer) => answer,
        Err(Trouble::Internal(problem)) => return Ok(Err((String::new(), problem))),
        Err(trouble) => return Err(trouble),
    };
    match answer.stop {
        Stop::Refused => {
            let why = if answer.text.is_empty() { "it does not say why." } else { &answer.text };
            Err(Trouble::Invalid(format!("The model declined: {why}")))
        }
        // Half an answer is not worth showing again.
        Stop::Length => {
            let problem = "It was cut off at its greatest length: answer more briefly.";
            Ok(Err((String::new(), problem.to_owned())))
        }
        Stop::Finished => Ok(read(&answer.text).map_err(|problem| (answer.text, problem))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        let turns = vec![(Speaker::User, "How many?".to_owned())];
        Question { instructions: "Count.", turns, schema: "{}", max_tokens: 10 }
    }

    fn finished(text: &str) -> Result<Answer, Trouble> {
        Ok(Answer { text: text.to_owned(), stop: Stop::Finished })
    }

    fn number(text: &str) -> Result<u32, String> {
        text.parse().map_err(|_| format!("“{text}” is no number."))
    }

    /// What comes of these answers, and the questions that were asked.
    fn answered(answers: Vec<Result<Answer, Trouble>>) -> (Result<u32, Trouble>, Vec<Question>) {
        let (mut answers, mut asked) = (answers.into_iter(), Vec::new());
        let model = |question: &Question| {
            asked.push(question.clone());
            answers.next().unwrap_or(Err(Trouble::Timeout))
        };
        let result = ask(question(), model, number);
        (result, asked)
    }

    #[test]
    fn an_answer_that_can_be_used_is_asked_for_once() {
        let (result, asked) = answered(vec![finished("7")]);
        assert_eq!((result, asked.len()), (Ok(7), 1));
    }

    #[test]
    fn an_answer_that_cant_be_used_is_asked_for_once_more_with_the_problem() {
        let (result, asked) = answered(vec![finished("many"), finished("7")]);
        assert_eq!(result, Ok(7));
        assert_eq!(asked[1].turns[1], (Speaker::Assistant, "many".to_owned()));
        assert!(asked[1].turns[2].1.contains("“many” is no number."));
    }

    #[test]
    fn two_answers_that_cant_be_used_are_an_error() {
        let (result, asked) = answered(vec![finished("many"), finished("more"), finished("7")]);
        assert!(matches!(result, Err(Trouble::Internal(why)) if why.contains("“more” is no")));
        assert_eq!(asked.len(), 2);
    }

    #[test]
    fn what_does_not_fit_the_schema_is_asked_for_once_more_as_well() {
        let misfit = Err(Trouble::Internal("It does not fit: /a.".to_owned()));
        let (result, asked) = answered(vec![misfit, finished("7")]);
        assert_eq!(result, Ok(7));
        assert!(asked[1].turns[2].1.contains("It does not fit: /a."));
    }

    #[test]
    fn what_asking_again_would_not_change_is_told_at_once() {
        let denied = Trouble::Denied("No.".to_owned());
        let (result, asked) = answered(vec![Err(denied.clone())]);
        assert_eq!((result, asked.len()), (Err(denied), 1));
        let refused = Answer { text: "No.".to_owned(), stop: Stop::Refused };
        assert!(matches!(answered(vec![Ok(refused)]).0, Err(Trouble::Invalid(_))));
    }

    #[test]
    fn an_answer_that_was_cut_is_asked_for_more_briefly() {
        let cut = Answer { text: "7".to_owned(), stop: Stop::Length };
        let (result, asked) = answered(vec![Ok(cut), finished("8")]);
        assert_eq!(result, Ok(8));
        assert!(asked[1].turns[2].1.contains("more briefly"));
    }
}
