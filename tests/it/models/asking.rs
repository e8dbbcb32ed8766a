//! Questions as each provider wants them, and what they cost.

use lockhouse::agents::{ModelError, ProviderName, Stop};
use lockhouse::secret::Secret;

use super::provider::{KEY, Provider, Turn};
use super::{ask, entry, lent, question};

const NUMBER: &str = r#"{"type": "object", "properties": {"count": {"type": "integer"}},
    "required": ["count"], "additionalProperties": false}"#;

async fn a_question_is_answered(api: ProviderName) {
    let provider = Provider::start(|_, _| Turn::Says("Seven.".to_owned())).await;
    let reply = ask(&lent(entry(&provider, api)), question(None)).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.stop), ("Seven.", Stop::Finished));
    assert_eq!((reply.input_tokens, reply.output_tokens), (20, 10));
    assert_eq!(provider.asked()[0].says(), "How many?");
}

async fn an_answer_must_fit_its_schema(api: ProviderName) {
    let answers = [r#"{"count":7}"#, r#"{"count":"7"}"#];
    let provider = Provider::start(move |n, _| Turn::Says(answers[n].to_owned())).await;
    let models = lent(entry(&provider, api));
    let fits = ask(&models, question(Some(NUMBER))).await.unwrap();
    assert_eq!(fits.text, answers[0]);
    let misfit = ask(&models, question(Some(NUMBER))).await.unwrap_err();
    assert!(matches!(&misfit, ModelError::Misfit(why) if why.contains("/count")), "{misfit}");
}

#[tokio::test]
async fn anthropics_api_answers_a_question() {
    a_question_is_answered(ProviderName::Anthropic).await;
}

#[tokio::test]
async fn openais_api_answers_a_question() {
    a_question_is_answered(ProviderName::OpenAi).await;
}

#[tokio::test]
async fn an_answer_by_anthropics_api_must_fit_its_schema() {
    an_answer_must_fit_its_schema(ProviderName::Anthropic).await;
}

#[tokio::test]
async fn an_answer_by_openais_api_must_fit_its_schema() {
    an_answer_must_fit_its_schema(ProviderName::OpenAi).await;
}

#[tokio::test]
async fn a_model_that_takes_no_forced_tool_is_asked_for_a_format_from_then_on() {
    let refusal = "tool_choice: forced tool use is not supported for this model.";
    let provider = Provider::start(move |_, asked| match asked.body.get("tool_choice") {
        Some(_) => Turn::Fails(400, refusal, None),
        None => Turn::Says(r#"{"count": 7}"#.to_owned()),
    })
    .await;
    let models = lent(entry(&provider, ProviderName::Anthropic));
    assert!(ask(&models, question(Some(NUMBER))).await.is_ok());
    assert!(ask(&models, question(Some(NUMBER))).await.is_ok());
    let formats = provider.asked();
    let formats: Vec<_> =
        formats.iter().map(|asked| asked.body["output_config"].is_object()).collect();
    assert_eq!(formats, [false, true, true]);
}

#[tokio::test]
async fn a_server_that_knows_only_the_newer_limit_is_asked_with_it() {
    let refusal = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
    let provider = Provider::start(move |_, asked| match asked.body.get("max_tokens") {
        Some(_) => Turn::Fails(400, refusal, None),
        None => Turn::Says("Seven.".to_owned()),
    })
    .await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    assert!(ask(&models, question(None)).await.is_ok());
    assert_eq!(provider.asked()[1].body["max_completion_tokens"], 100);
}

#[tokio::test]
async fn an_answer_that_was_cut_says_so_and_need_not_fit() {
    let provider = Provider::start(|_, _| Turn::Cut("{\"count\": ".to_owned())).await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    let reply = ask(&models, question(Some(NUMBER))).await.unwrap();
    assert_eq!(reply.stop, Stop::Length);
}

#[tokio::test]
async fn a_wrong_key_is_told_by_its_place_and_not_shown() {
    let provider = Provider::start(|_, _| Turn::Hangs).await;
    let mut wrong = entry(&provider, ProviderName::Anthropic);
    wrong.api_key = Some(Secret::new("sk-wrong"));
    let error = ask(&lent(wrong), question(None)).await.unwrap_err().to_string();
    assert!(error.contains("models.default.api_key"), "{error}");
    assert!(!error.contains("sk-wrong"), "{error}");
}

#[tokio::test]
async fn a_key_that_a_model_repeats_is_hidden() {
    let provider = Provider::start(|_, _| Turn::Says(format!("It is {KEY}."))).await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    assert_eq!(ask(&models, question(None)).await.unwrap().text, "It is ….");
}

#[tokio::test]
async fn a_model_without_a_name_of_its_own_is_told_with_those_that_have() {
    let provider = Provider::start(|_, _| Turn::Hangs).await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    let until = std::time::Instant::now() + super::PATIENCE;
    let tally = lockhouse::agents::Tally::new(1);
    let error = models.ask("small", question(None), &tally, until).await.unwrap_err();
    assert!(matches!(&error, ModelError::NotFound(_)), "{error}");
    assert!(error.to_string().contains("There are: default."), "{error}");
}
