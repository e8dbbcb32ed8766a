//! Which recipe a prompt's words ask for.

use crate::plan::Kind;
use crate::recipes::Recipe;

/// Words that speak for a recipe, and how loudly. Naming a tool outright weighs
/// more than naming a form, which weighs more than a hint.
const CUES: &[(&str, Recipe, i32)] = &[
    ("flask", Recipe::FlaskApi, 12),
    ("jinja", Recipe::FlaskApi, 4),
    ("api", Recipe::FlaskApi, 3),
    ("rest", Recipe::FlaskApi, 2),
    ("backend", Recipe::FlaskApi, 2),
    ("crud", Recipe::FlaskApi, 2),
    ("web app", Recipe::FlaskApi, 3),
    ("webapp", Recipe::FlaskApi, 3),
    ("app", Recipe::FlaskApi, 1),
    ("standard library", Recipe::PythonApi, 9),
    ("stdlib", Recipe::PythonApi, 9),
    ("http.server", Recipe::PythonApi, 9),
    ("no dependency", Recipe::PythonApi, 7),
    ("without dependency", Recipe::PythonApi, 7),
    ("without any dependency", Recipe::PythonApi, 7),
    ("zero dependency", Recipe::PythonApi, 7),
    ("dependency free", Recipe::PythonApi, 7),
    ("no framework", Recipe::PythonApi, 7),
    ("without a framework", Recipe::PythonApi, 7),
    ("plain python", Recipe::PythonApi, 5),
    ("pure python", Recipe::PythonApi, 5),
    ("fastapi", Recipe::PythonApi, 8),
    ("api", Recipe::PythonApi, 2),
    ("http", Recipe::PythonApi, 1),
    ("cli", Recipe::Cli, 10),
    ("command line", Recipe::Cli, 10),
    ("commandline", Recipe::Cli, 10),
    ("argparse", Recipe::Cli, 10),
    ("terminal", Recipe::Cli, 5),
    ("console", Recipe::Cli, 5),
    ("script", Recipe::Cli, 4),
    ("tool", Recipe::Cli, 2),
    ("static", Recipe::StaticSite, 8),
    ("landing page", Recipe::StaticSite, 8),
    ("home page", Recipe::StaticSite, 7),
    ("homepage", Recipe::StaticSite, 7),
    ("one page", Recipe::StaticSite, 5),
    ("portfolio", Recipe::StaticSite, 7),
    ("website", Recipe::StaticSite, 6),
    ("web site", Recipe::StaticSite, 6),
    ("site", Recipe::StaticSite, 5),
    ("html", Recipe::StaticSite, 2),
    ("css", Recipe::StaticSite, 3),
    ("web page", Recipe::StaticSite, 2),
    ("webpage", Recipe::StaticSite, 4),
    ("node", Recipe::NodeApi, 9),
    ("nodejs", Recipe::NodeApi, 9),
    ("node.js", Recipe::NodeApi, 9),
    ("express", Recipe::NodeApi, 8),
    ("javascript", Recipe::NodeApi, 5),
    ("js", Recipe::NodeApi, 5),
    ("api", Recipe::NodeApi, 2),
];

/// A named tool, as it stands in a prompt and as it is written.
type Tool = (&'static str, &'static str);

/// Tools that this agent does not write with.
const FOREIGN: &[Tool] = &[
    ("django", "Django"),
    ("fastapi", "FastAPI"),
    ("express", "Express"),
    ("rail", "Rails"),
    ("ruby", "Ruby"),
    ("rust", "Rust"),
    ("golang", "Go"),
    ("in go", "Go"),
    ("java", "Java"),
    ("spring", "Spring"),
    ("kotlin", "Kotlin"),
    ("php", "PHP"),
    ("laravel", "Laravel"),
    ("typescript", "TypeScript"),
    ("react", "React"),
    ("vue", "Vue"),
    ("postgre", "PostgreSQL"),
    ("postgresql", "PostgreSQL"),
    ("mysql", "MySQL"),
    ("mongodb", "MongoDB"),
];

/// Chooses a recipe; where the project's kind is settled, one of that kind. Each
/// kind has one.
pub(super) fn recipe(stems: &str, kind: Option<Kind>, assumptions: &mut Vec<String>) -> Recipe {
    let wanted = best(stems, Recipe::ALL);
    let allowed: Vec<Recipe> =
        Recipe::ALL.iter().copied().filter(|r| kind.is_none_or(|kind| r.kind() == kind)).collect();
    let chosen = best(stems, &allowed).map_or(Recipe::FlaskApi, |(recipe, _)| recipe);
    foreign(stems, chosen, assumptions);
    if chosen.is_beginning() {
        assumptions.push(format!(
            "The offline agent writes no more than a beginning in {}: it keeps nothing yet.",
            chosen.kind().label()
        ));
        return chosen;
    }
    match wanted {
        Some((_, 0)) => assumptions
            .push(format!("The prompt names no form of program, so this is {}.", chosen.noun())),
        Some((other, _)) if other != chosen => assumptions.push(format!(
            "This is a {} project, so it becomes {} rather than {}.",
            chosen.kind().label(),
            chosen.noun(),
            other.noun()
        )),
        _ => {}
    }
    chosen
}

/// The recipe with the highest score, the earlier one on a tie.
fn best(stems: &str, recipes: &[Recipe]) -> Option<(Recipe, i32)> {
    let scored = recipes.iter().map(|recipe| (*recipe, score(stems, *recipe)));
    scored.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn score(stems: &str, recipe: Recipe) -> i32 {
    let own = CUES.iter().filter(|(_, of, _)| *of == recipe);
    own.map(|(cue, _, weight)| weight * presence(stems, cue)).sum::<i32>()
}

/// 1 where the prompt has the cue, -1 where it says "without" it, else 0.
fn presence(stems: &str, cue: &str) -> i32 {
    let refused = ["no", "not", "without", "instead of"]
        .iter()
        .any(|no| stems.contains(&format!(" {no} {cue} ")));
    match stems.contains(&format!(" {cue} ")) {
        true if refused => -1,
        true => 1,
        false => 0,
    }
}

fn foreign(stems: &str, chosen: Recipe, assumptions: &mut Vec<String>) {
    let named: Vec<&str> = FOREIGN
        .iter()
        .filter(|(cue, _)| presence(stems, cue) == 1)
        .map(|(_, name)| *name)
        .filter(|name| *name != chosen.kind().label())
        .collect();
    if !named.is_empty() {
        assumptions.push(format!(
            "The offline agent does not write {}; this is {} instead.",
            named.join(" or "),
            chosen.noun()
        ));
    }
}
