//! Tokens of every sort that must not let anybody in, beside those that do.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::*;

const SECRET: &str = "a secret of thirty-two bytes, or more";

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn claims() -> Value {
    let now = jsonwebtoken::get_current_timestamp();
    json!({ "sub": "ada", "aud": "authenticated", "iat": now, "exp": now + 600 })
}

fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// A token that is signed by whatever `sign` does.
fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Secret {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    Secret::new(format!("{message}.{signature}"))
}

fn hmac(secret: &'static [u8]) -> impl FnOnce(&[u8]) -> Vec<u8> {
    move |message| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        ring::hmac::sign(&key, message).as_ref().to_vec()
    }
}

fn shared(claims: &Value) -> Secret {
    token(&json!({ "alg": "HS256", "typ": "JWT" }), claims, hmac(SECRET.as_bytes()))
}

fn judge(config: Config) -> Judge {
    Judge::new(&config).unwrap()
}

fn of_a_secret() -> Judge {
    judge(Config { secret: Some(Secret::new(SECRET)), ..Config::default() })
}

async fn refusal(token: &Secret) -> Refused {
    of_a_secret().judge(token).await.unwrap_err()
}

#[tokio::test]
async fn whom_the_issuer_vouches_for_is_let_in_as_a_learner() {
    let vouched = of_a_secret().judge(&shared(&claims())).await.unwrap();
    assert_eq!((vouched.user.id.as_str(), vouched.user.role), ("ada", Role::Learner));
}

#[tokio::test]
async fn the_role_is_where_users_cannot_write_it() {
    let theirs = claims_with(json!({ "role": "admin", "user_metadata": { "role": "admin" } }));
    assert_eq!(of_a_secret().judge(&shared(&theirs)).await.unwrap().user.role, Role::Learner);
    let issuers = claims_with(json!({ "app_metadata": { "role": "reviewer" } }));
    assert_eq!(of_a_secret().judge(&shared(&issuers)).await.unwrap().user.role, Role::Reviewer);
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    for name in ["none", "None", "NONE", ""] {
        let bare = token(&json!({ "alg": name }), &claims(), |_| Vec::new());
        assert_eq!(refusal(&bare).await, Refused::Algorithm, "{name}");
    }
    let cut = token(&json!({ "alg": "HS256" }), &claims(), |_| Vec::new());
    assert_eq!(refusal(&cut).await, Refused::Signature);
}

#[tokio::test]
async fn a_token_that_somebody_else_signed_is_refused() {
    let other = token(&json!({ "alg": "HS256" }), &claims(), hmac(b"another secret"));
    assert_eq!(refusal(&other).await, Refused::Signature);
}

#[tokio::test]
async fn another_algorithm_than_the_keys_is_refused() {
    for name in ["HS384", "HS512", "RS256", "ES256", "EdDSA"] {
        let other = token(&json!({ "alg": name }), &claims(), hmac(SECRET.as_bytes()));
        assert_eq!(refusal(&other).await, Refused::Algorithm, "{name}");
    }
}

#[tokio::test]
async fn a_key_that_the_token_brings_along_is_not_looked_at() {
    let jwk = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode("mine") });
    let header = json!({ "alg": "HS256", "kid": "../../dev/null", "jwk": jwk, "jku": "http://x" });
    assert_eq!(refusal(&token(&header, &claims(), hmac(b"mine"))).await, Refused::Signature);
}

#[tokio::test]
async fn times_that_do_not_fit_are_refused() {
    let now = jsonwebtoken::get_current_timestamp();
    let late = claims_with(json!({ "exp": now - 3600 }));
    assert_eq!(refusal(&shared(&late)).await, Refused::Expired);
    let early = claims_with(json!({ "nbf": now + 3600 }));
    assert_eq!(refusal(&shared(&early)).await, Refused::TooEarly);
}

#[tokio::test]
async fn claims_that_are_missing_or_of_another_form_are_refused() {
    for changes in [json!({ "exp": null }), json!({ "exp": "soon" }), json!({ "sub": null })] {
        let refused = refusal(&shared(&claims_with(changes.clone()))).await;
        let named = matches!(refused, Refused::Claim(_) | Refused::Malformed);
        assert!(named, "{changes}: {refused:?}");
    }
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let theirs = claims_with(json!({ "aud": "another" }));
    assert_eq!(refusal(&shared(&theirs)).await, Refused::NotForUs("aud"));
    let issuer = Some("https://issuer.example".to_owned());
    let ours = judge(Config { secret: Some(Secret::new(SECRET)), issuer, ..Config::default() });
    let other = claims_with(json!({ "iss": "https://evil.example" }));
    assert_eq!(ours.judge(&shared(&other)).await, Err(Refused::NotForUs("iss")));
    let silent = ours.judge(&shared(&claims())).await;
    assert_eq!(silent, Err(Refused::Claim("iss".to_owned())));
}

#[tokio::test]
async fn nobody_is_vouched_for_as_lockhouse_itself() {
    for name in ["admin", "lockhouse", "a b", "", "x/../y"] {
        let refused = refusal(&shared(&claims_with(json!({ "sub": name })))).await;
        assert!(matches!(refused, Refused::Subject(_)), "{name}: {refused:?}");
    }
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    for text in [".", "..", "a.b", "a.b.c", "ä.ö.ü", &".".repeat(4000)] {
        let refused = refusal(&Secret::new(text)).await;
        assert!(matches!(refused, Refused::Malformed | Refused::Algorithm), "{text}: {refused:?}");
    }
}

#[tokio::test]
async fn a_server_that_knows_no_issuer_takes_none() {
    assert_eq!(judge(Config::default()).judge(&shared(&claims())).await, Err(Refused::NotTaken));
}

#[test]
fn a_secret_that_can_be_guessed_is_refused() {
    let config = Config { secret: Some(Secret::new("secret")), ..Config::default() };
    assert!(Judge::new(&config).unwrap_err().contains("use at least 32"));
}

#[test]
fn keys_are_not_fetched_where_others_can_change_them() {
    let jwks_url = Some("http://issuer.example/keys".to_owned());
    assert!(Judge::new(&Config { jwks_url, ..Config::default() }).unwrap_err().contains("https"));
}

/// An issuer with the keys that it publishes now.
struct Issuer {
    url: String,
    keys: std::sync::Arc<Mutex<Vec<Value>>>,
    serving: tokio::task::AbortHandle,
}

impl Issuer {
    async fn start() -> Self {
        let keys = std::sync::Arc::new(Mutex::new(Vec::new()));
        let published = std::sync::Arc::clone(&keys);
        let answer =
            move || async move { axum::Json(json!({ "keys": *published.lock().unwrap() })) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/keys", axum::routing::get(answer));
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, keys, serving: serving.abort_handle() }
    }

    /// A new key that is published under this name.
    fn publish(&self, name: &str) -> Ed25519KeyPair {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": name, "use": "sig", "x": x });
        self.keys.lock().unwrap().push(key);
        pair
    }

    fn judge(&self) -> Judge {
        judge(Config { jwks_url: Some(self.url.clone()), ..Config::default() })
    }
}

fn signed(name: &str, pair: &Ed25519KeyPair) -> Secret {
    let header = json!({ "alg": "EdDSA", "kid": name });
    token(&header, &claims(), |message| pair.sign(message).as_ref().to_vec())
}

#[tokio::test]
async fn a_published_key_lets_in_and_another_of_its_name_does_not() {
    let issuer = Issuer::start().await;
    let (pair, judge) = (issuer.publish("a"), issuer.judge());
    assert!(judge.judge(&signed("a", &pair)).await.is_ok());
    let other = Issuer::start().await.publish("a");
    assert_eq!(judge.judge(&signed("a", &other)).await, Err(Refused::Signature));
}

#[tokio::test]
async fn a_key_that_is_published_later_is_found_after_a_pause() {
    let issuer = Issuer::start().await;
    let (first, judge) = (issuer.publish("a"), issuer.judge());
    assert!(judge.judge(&signed("a", &first)).await.is_ok());
    let second = issuer.publish("b");
    assert_eq!(judge.judge(&signed("b", &second)).await, Err(Refused::UnknownKey));
    tokio::time::pause();
    tokio::time::advance(published::PAUSE).await;
    tokio::time::resume();
    assert!(judge.judge(&signed("b", &second)).await.is_ok());
}

/// The examples of RFC 7515, A.2 and A.3: what is signed, and each signature.
const EXAMPLE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv\
    bS9pc19yb290Ijp0cnVlfQ";
const BY_RSA: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-\
    0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBAr\
    LIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1p\
    hCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const RSA_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4q\
    PCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-\
    bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG\
    4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const BY_EC: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3\
    -Kg6NU1Q";
const EC_POINT: [&str; 2] =
    ["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"];

#[test]
fn the_standards_own_examples_are_found_signed_and_changed_ones_not() {
    ring_provider::install();
    let rsa = DecodingKey::from_rsa_components(RSA_MODULUS, "AQAB").unwrap();
    let ec = DecodingKey::from_ec_components(EC_POINT[0], EC_POINT[1]).unwrap();
    for (algorithm, key, signature) in
        [(Algorithm::RS256, rsa, BY_RSA), (Algorithm::ES256, ec, BY_EC)]
    {
        let signed = |payload: &str| {
            let header = part(&json!({ "alg": format!("{algorithm:?}") }));
            let message = format!("{header}.{payload}");
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap()
        };
        assert!(signed(EXAMPLE) && !signed(&EXAMPLE.replace("fQ", "fR")), "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let issuer = Issuer::start().await;
    let pair = issuer.publish("a");
    let public: &'static [u8] = pair.public_key().as_ref().to_vec().leak();
    let forged = token(&json!({ "alg": "HS256", "kid": "a" }), &claims(), hmac(public));
    assert_eq!(issuer.judge().judge(&forged).await, Err(Refused::Algorithm));
}

#[tokio::test]
async fn while_the_issuer_cannot_be_asked_nobody_new_is_let_in() {
    let issuer = Issuer::start().await;
    let pair = issuer.publish("a");
    let jwks_url = Some("http://127.0.0.1:1/keys".to_owned());
    let alone = judge(Config { jwks_url, ..Config::default() });
    assert_eq!(alone.judge(&signed("a", &pair)).await, Err(Refused::KeysUnreachable));
}

#[tokio::test]
async fn keys_of_an_issuer_that_is_gone_count_for_a_day() {
    let issuer = Issuer::start().await;
    let (pair, judge) = (issuer.publish("a"), issuer.judge());
    assert!(judge.judge(&signed("a", &pair)).await.is_ok());
    issuer.serving.abort();
    tokio::time::pause();
    tokio::time::advance(published::STALE / 2).await;
    assert!(judge.judge(&signed("a", &pair)).await.is_ok());
    tokio::time::advance(published::STALE / 2).await;
    assert_eq!(judge.judge(&signed("a", &pair)).await, Err(Refused::KeysUnreachable));
}
