//! What a provider can't do to a server: keep it waiting, fill its memory, use
//! up more than a run may.

use std::time::{Duration, Instant};

use lockhouse::agents::{ModelError, ProviderName, Tally};

use super::provider::{Provider, Turn};
use super::{PATIENCE, ask, entry, lent, question};

fn seven() -> Turn {
    Turn::Says("Seven.".to_owned())
}

#[tokio::test]
async fn a_busy_provider_is_asked_again_when_it_says() {
    let provider = Provider::start(|n, _| match n {
        0 => Turn::Fails(429, "Too many.", Some("1")),
        _ => seven(),
    })
    .await;
    let models = lent(entry(&provider, ProviderName::Anthropic));
    assert_eq!(ask(&models, question(None)).await.unwrap().text, "Seven.");
    let asked = provider.asked();
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn an_overloaded_provider_is_asked_again_after_a_pause_of_ours() {
    let provider = Provider::start(|n, _| match n {
        0 | 1 => Turn::Fails(529, "Overloaded.", None),
        _ => seven(),
    })
    .await;
    let models = lent(entry(&provider, ProviderName::Anthropic));
    assert!(ask(&models, question(None)).await.is_ok());
    let asked: Vec<_> = provider.asked().iter().map(|asked| asked.at).collect();
    assert!(asked[2] - asked[1] > asked[1] - asked[0], "each pause is longer");
}

#[tokio::test]
async fn who_would_wait_longer_than_there_is_time_is_told_at_once() {
    let provider = Provider::start(|_, _| Turn::Fails(429, "Too many.", Some("600"))).await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    let began = Instant::now();
    let error = ask(&models, question(None)).await.unwrap_err();
    assert!(matches!(&error, ModelError::Unavailable(why) if why.contains("429")), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up_at_the_deadline() {
    let provider = Provider::start(|_, _| Turn::Hangs).await;
    let mut hasty = entry(&provider, ProviderName::Anthropic);
    hasty.timeout_seconds = 1;
    assert_eq!(ask(&lent(hasty), question(None)).await, Err(ModelError::Timeout));
    provider.hangs(0).await;
}

#[tokio::test]
async fn an_answer_without_end_is_refused_at_its_bound() {
    let provider = Provider::start(|_, _| Turn::Floods).await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    let error = ask(&models, question(None)).await.unwrap_err();
    assert!(matches!(&error, ModelError::TooLarge(_)), "{error}");
}

#[tokio::test]
async fn an_answer_of_more_text_than_one_may_have_is_refused() {
    let provider = Provider::start(|_, _| Turn::Says("x".repeat(2 * 1024 * 1024))).await;
    let models = lent(entry(&provider, ProviderName::Anthropic));
    let error = ask(&models, question(None)).await.unwrap_err();
    assert!(matches!(&error, ModelError::TooLarge(_)), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_told() {
    for api in [ProviderName::Anthropic, ProviderName::OpenAi] {
        let provider = Provider::start(|_, _| Turn::Sends("{\"content\": [")).await;
        let error = ask(&lent(entry(&provider, api)), question(None)).await.unwrap_err();
        assert!(error.to_string().contains("no answer of its API"), "{error}");
    }
}

#[tokio::test]
async fn a_run_that_has_used_its_tokens_asks_nobody() {
    let provider = Provider::start(|_, _| seven()).await;
    let models = lent(entry(&provider, ProviderName::Anthropic));
    let (tally, until) = (Tally::new(30), Instant::now() + PATIENCE);
    assert!(models.ask("default", question(None), &tally, until).await.is_ok());
    let error = models.ask("default", question(None), &tally, until).await.unwrap_err();
    assert!(matches!(&error, ModelError::Quota(why) if why.contains("30 tokens")), "{error}");
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_has_at_most_what_the_operator_and_the_run_allow() {
    let provider = Provider::start(|_, _| seven()).await;
    let mut small = entry(&provider, ProviderName::Anthropic);
    small.max_tokens = 50;
    let (models, until) = (lent(small), Instant::now() + PATIENCE);
    let tally = Tally::new(60);
    models.ask("default", question(None), &tally, until).await.unwrap();
    models.ask("default", question(None), &tally, until).await.unwrap();
    let asked: Vec<_> = provider.asked().iter().map(|a| a.body["max_tokens"].clone()).collect();
    assert_eq!(asked, [50, 30]);
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_is_ended() {
    let provider = Provider::start(|_, _| Turn::Hangs).await;
    let models = lent(entry(&provider, ProviderName::OpenAi));
    {
        let mut asked = Box::pin(ask(&models, question(None)));
        tokio::select! {
            _ = &mut asked => panic!("it has no answer"),
            () = provider.hangs(1) => {}
        }
    }
    provider.hangs(0).await;
}
