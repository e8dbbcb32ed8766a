//! How the verdicts of several policies become one decision.

use super::*;

/// A policy that always says the same.
struct Says {
    name: &'static str,
    verdict: Result<Verdict, Fault>,
}

#[async_trait]
impl CommandPolicy for Says {
    fn name(&self) -> &str {
        self.name
    }

    async fn evaluate(&self, _request: &Request) -> Result<Verdict, Fault> {
        self.verdict.clone()
    }

    async fn explain(&self) -> Result<String, Fault> {
        Ok(format!("the rules of {}\n", self.name))
    }
}

fn request(command: &str) -> Request {
    Request {
        command: command.to_owned(),
        argv: None,
        cwd: String::new(),
        env_names: Vec::new(),
        channel: Channel::Exec,
        caller: "ada".parse().unwrap(),
        caller_role: Role::Learner,
        project: ProjectId::generate(),
        project_name: "todo".parse().unwrap(),
        kind: Kind::Python,
        network: NetworkMode::Registries,
        request_id: RequestId::generate(),
    }
}

fn says(name: &'static str, allow: bool, risk: Risk, sanitised: &str) -> Arc<dyn CommandPolicy> {
    let verdict = Verdict {
        allow,
        risk,
        rule: format!("{name}-rule"),
        reason: format!("{name} says so"),
        sanitised: Some(sanitised.to_owned()),
        advice: None,
    };
    Arc::new(Says { name, verdict: Ok(verdict) })
}

fn fails(name: &'static str) -> Arc<dyn CommandPolicy> {
    Arc::new(Says { name, verdict: Err(Fault(format!("{name} 0.1.0 was stopped"))) })
}

async fn decide(chain: Vec<Arc<dyn CommandPolicy>>) -> Decision {
    Policies::new(chain.into_iter().map(Binding::enforced)).decide(&request("ls")).await
}

#[tokio::test]
async fn where_all_allow_the_one_that_sees_most_risk_decides() {
    let chain = vec![
        says("a", true, Risk::Safe, "ls"),
        says("b", true, Risk::Dangerous, "ls"),
        says("c", true, Risk::Dangerous, "ls"),
    ];
    let decision = decide(chain).await;
    assert!(decision.allow);
    assert_eq!((decision.risk, decision.policy.as_str()), (Risk::Dangerous, "b"));
}

#[tokio::test]
async fn one_that_denies_outweighs_all_that_allow() {
    let chain = vec![
        says("a", true, Risk::Dangerous, "ls"),
        says("b", false, Risk::Moderate, "ls"),
        says("c", false, Risk::Blocked, "ls"),
    ];
    let decision = decide(chain).await;
    assert!(!decision.allow);
    assert_eq!((decision.policy.as_str(), decision.rule.as_str()), ("b", "b-rule"));
    assert_eq!(decision.sanitised, None);
}

#[tokio::test]
async fn a_policy_without_a_verdict_denies() {
    let decision = decide(vec![says("a", true, Risk::Safe, "ls"), fails("b")]).await;
    assert!(!decision.allow);
    assert_eq!((decision.risk, decision.policy.as_str()), (Risk::Blocked, "b"));
    assert_eq!(decision.rule, "policy-unavailable");
    assert!(decision.reason.contains("b 0.1.0 was stopped"), "{}", decision.reason);
}

#[tokio::test]
async fn without_a_policy_nothing_may_run() {
    let decision = decide(Vec::new()).await;
    assert!(!decision.allow);
    assert!(decision.reason.contains("No policy is loaded"));
}

#[tokio::test]
async fn a_sanitised_command_counts_only_where_every_policy_gave_it() {
    let same = vec![says("a", true, Risk::Safe, "ls"), says("b", true, Risk::Safe, "ls")];
    assert_eq!(decide(same).await.sanitised.as_deref(), Some("ls"));
    let other = vec![says("a", true, Risk::Safe, "ls"), says("b", true, Risk::Safe, "'ls'")];
    assert_eq!(decide(other).await.sanitised, None);
}

#[tokio::test]
async fn a_command_over_the_limit_is_denied_without_asking() {
    let policies = Policies::new([Binding::enforced(says("a", true, Risk::Safe, "ls"))]);
    let fits = policies.decide(&request(&"x".repeat(MAX_COMMAND_BYTES))).await;
    assert!(fits.allow);
    let decision = policies.decide(&request(&"x".repeat(MAX_COMMAND_BYTES + 1))).await;
    assert!(!decision.allow);
    assert_eq!(decision.rule, "command-too-long");
    assert!(decision.reason.contains("the limit is 65536"), "{}", decision.reason);
}

#[tokio::test]
async fn words_over_the_limit_are_denied_as_well() {
    let policies = Policies::new([Binding::enforced(says("a", true, Risk::Safe, "ls"))]);
    let mut long = request("ls");
    long.argv = Some(vec![String::new(); 3 * MAX_COMMAND_BYTES]);
    assert_eq!(policies.decide(&long).await.rule, "command-too-long");
}

#[tokio::test]
async fn the_rules_of_every_policy_are_told_in_order() {
    let chain = [says("a", true, Risk::Safe, ""), says("b", true, Risk::Safe, "")];
    let policies = Policies::new(chain.map(Binding::enforced));
    let rules = policies.explain(None).await.unwrap();
    assert_eq!(rules, "# a\n\nthe rules of a\n\n# b\n\nthe rules of b\n\n");
}

fn bound(policy: Arc<dyn CommandPolicy>, change: impl FnOnce(&mut Binding)) -> Binding {
    let mut binding = Binding::enforced(policy);
    change(&mut binding);
    binding
}

#[tokio::test]
async fn a_policy_in_shadow_is_heard_and_changes_nothing() {
    let shadow = bound(says("b", false, Risk::Blocked, ""), |b| b.mode = Mode::Shadow);
    let policies = Policies::new([Binding::enforced(says("a", true, Risk::Safe, "ls")), shadow]);
    let decision = policies.decide(&request("ls")).await;
    assert!(decision.allow);
    assert_eq!(decision.sanitised.as_deref(), Some("ls"));
    assert_eq!(decision.dissent(), ["b in shadow would deny: b-rule"]);
}

#[tokio::test]
async fn policies_that_are_all_in_shadow_let_nothing_run() {
    let shadow = bound(says("a", true, Risk::Safe, ""), |b| b.mode = Mode::Shadow);
    let policies = Policies::new([shadow]);
    assert!(policies.is_empty());
    assert_eq!(policies.decide(&request("ls")).await.rule, "no-policy");
}

#[tokio::test]
async fn a_policy_bound_to_one_project_judges_no_other() {
    let (ours, theirs) = (request("ls"), request("ls"));
    let project = ours.project.clone();
    let strict = bound(says("b", false, Risk::Blocked, ""), |b| b.project = Some(project));
    let policies = Policies::new([Binding::enforced(says("a", true, Risk::Safe, "")), strict]);
    assert!(!policies.decide(&ours).await.allow);
    assert!(policies.decide(&theirs).await.allow);
}

#[tokio::test]
async fn where_the_operator_says_so_a_policy_without_a_verdict_allows() {
    let lenient = bound(fails("b"), |b| b.on_error = OnError::Allow);
    let policies = Policies::new([Binding::enforced(says("a", true, Risk::Safe, "")), lenient]);
    let decision = policies.decide(&request("ls")).await;
    assert!(decision.allow);
    assert_eq!((decision.policy.as_str(), decision.risk), ("b", Risk::Dangerous));
    assert!(decision.opinions[1].fault.as_deref().unwrap().contains("b 0.1.0 was stopped"));
}

#[tokio::test]
async fn a_replaced_chain_judges_the_next_command() {
    let policies = Policies::new([Binding::enforced(says("a", true, Risk::Safe, ""))]);
    assert!(policies.clone().decide(&request("ls")).await.allow);
    policies.clone().replace([Binding::enforced(says("b", false, Risk::Safe, ""))]);
    assert_eq!(policies.decide(&request("ls")).await.policy, "b");
}
