//! Charts as SVG that stands in a page: shapes, axes and ticks. Names of series
//! and slices stand in a legend beside it, which the page writes.

use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::element::Pie;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, Circle, Color as _, DrawingArea, DrawingAreaErrorKind,
    IntoDrawingArea as _, IntoFont as _, PathElement, RGBColor, Rectangle, SVGBackend, ShapeStyle,
    Text, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::show;
use crate::reports::{Chart, Shape};

const WIDTH: u32 = 840;
const HEIGHT: u32 = 240;
/// Of one bar that lies, with the space around it.
const LYING_HEIGHT: u32 = 26;
/// More bars than these stand; fewer lie, so that their names can be read.
const MOST_LYING: usize = 30;
const PIE_SIZE: u32 = 220;
/// Room for names of bars, and for figures of an axis.
const NAMES_WIDTH: u32 = 170;
const FIGURES_WIDTH: u32 = 64;
const LABELS_HEIGHT: u32 = 26;
/// Names that are longer are cut; the figures' table has them whole.
const MOST_NAME_CHARS: usize = 24;
/// Labels below an axis, lest they overlap.
const MOST_LABELS: usize = 7;
/// Points are marked where there are no more than these.
const MOST_MARKS: usize = 45;
/// plotters writes letters by 1.24 smaller.
const FONT_SIZE: f64 = 12.0 * 1.24;
const GREY: RGBColor = RGBColor(107, 114, 128);
const GRID: RGBColor = RGBColor(148, 163, 184);

/// One for each series or slice, and again from the first. Neighbours differ in
/// lightness as well as in hue.
const PALETTE: [RGBColor; 12] = [
    RGBColor(37, 99, 235),
    RGBColor(245, 158, 11),
    RGBColor(13, 148, 136),
    RGBColor(220, 38, 38),
    RGBColor(139, 92, 246),
    RGBColor(132, 204, 22),
    RGBColor(14, 116, 144),
    RGBColor(236, 72, 153),
    RGBColor(100, 116, 139),
    RGBColor(180, 83, 9),
    RGBColor(56, 189, 248),
    RGBColor(67, 56, 202),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
pub(super) type Failure = DrawingAreaErrorKind<std::io::Error>;

/// What a colour stands for.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(super) struct Key {
    pub(super) name: String,
    /// Such as `#2563eb`.
    pub(super) colour: String,
    /// The figure of a slice.
    pub(super) value: Option<String>,
}

/// The chart's picture; none where there is nothing to draw.
pub(super) fn svg(chart: &Chart) -> Result<Option<String>, Failure> {
    let all = || chart.series.iter().flat_map(|series| series.values.iter().copied());
    let (count, shows) = (chart.labels.len(), all().any(|value| value != 0.0));
    if count == 0 || !shows {
        return Ok(None);
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size(chart)).into_drawing_area();
        match chart.shape {
            Shape::Pie => pie(&area, chart)?,
            _ if lies(chart) => lying_bars(&area, chart, bounds(all()))?,
            Shape::Bar => upright(&area, chart, bounds(all()), standing_bars)?,
            Shape::Line => upright(&area, chart, bounds(all()), lines)?,
        }
        area.present()?;
    }
    Ok(Some(svg))
}

/// What the colours stand for; none where the chart's name says it.
pub(super) fn legend(chart: &Chart) -> Vec<Key> {
    let key = |at: usize, name: &str, value| {
        let RGBColor(r, g, b) = colour(at);
        Key { name: name.to_owned(), colour: format!("#{r:02x}{g:02x}{b:02x}"), value }
    };
    match (chart.shape, chart.series.as_slice()) {
        (Shape::Pie, [series]) => {
            let slices = chart.labels.iter().zip(&series.values).enumerate();
            slices.map(|(at, (label, n))| key(at, label, Some(show::number(*n)))).collect()
        }
        (_, [] | [_]) => Vec::new(),
        (_, many) => many.iter().enumerate().map(|(at, s)| key(at, &s.name, None)).collect(),
    }
}

/// Whether it is drawn as bars that lie: a line of one point would be a dot.
fn lies(chart: &Chart) -> bool {
    match (chart.shape, chart.labels.len()) {
        (Shape::Bar, count) => count <= MOST_LYING,
        (Shape::Line, count) => count == 1,
        (Shape::Pie, _) => false,
    }
}

fn colour(at: usize) -> RGBColor {
    PALETTE[at % PALETTE.len()]
}

fn size(chart: &Chart) -> (u32, u32) {
    let count = chart.labels.len();
    match chart.shape {
        Shape::Pie => (PIE_SIZE, PIE_SIZE),
        _ if lies(chart) => {
            // Several series share a bar's place, and need more of it.
            let thick = 1 + u32::try_from(chart.series.len().saturating_sub(1)).unwrap_or(0) / 2;
            let bars = u32::try_from(count).unwrap_or(1).max(2);
            (WIDTH, bars * LYING_HEIGHT * thick + LABELS_HEIGHT + 16)
        }
        Shape::Bar | Shape::Line => (WIDTH, HEIGHT),
    }
}

/// From the least to the greatest, zero among them, and never a point.
fn bounds(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) =
        values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let room = (high - low).max(1e-6) * 0.06;
    let low = if low < 0.0 { low - room } else { 0.0 };
    low..if high > 0.0 { high + room } else { 0.0_f64.max(low + room) }
}

fn style(h_pos: HPos, v_pos: VPos) -> TextStyle<'static> {
    ("sans-serif", FONT_SIZE).into_font().color(&GREY).pos(Pos::new(h_pos, v_pos))
}

fn filled(at: usize) -> ShapeStyle {
    colour(at).filled()
}

/// Axes, lines and figures of a plane.
fn grid(plane: &mut Plane<'_, '_>, is_upright: bool) -> Result<(), Failure> {
    let figure = |value: &f64| show::number(*value);
    let mut mesh = plane.configure_mesh();
    mesh.axis_style(GRID.mix(0.8))
        .bold_line_style(GRID.mix(0.35))
        .light_line_style(GRID.mix(0.0))
        .label_style(style(HPos::Center, VPos::Center))
        .x_label_formatter(&figure)
        .y_label_formatter(&figure);
    if is_upright {
        mesh.disable_x_mesh().x_labels(0).y_labels(5);
    } else {
        mesh.disable_y_mesh().y_labels(0).x_labels(6);
    }
    mesh.draw()
}

/// A plane of which each label has one place from left to right.
fn upright<'a>(
    area: &Area<'a>,
    chart: &Chart,
    bounds: Range<f64>,
    draw: fn(&mut Plane<'a, '_>, &Chart) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let count = chart.labels.len();
    let mut plane = ChartBuilder::on(area)
        .margin(10)
        .x_label_area_size(LABELS_HEIGHT)
        .y_label_area_size(FIGURES_WIDTH)
        .build_cartesian_2d(0.0..count as f64, bounds.clone())?;
    grid(&mut plane, true)?;
    draw(&mut plane, chart)?;
    for (at, label) in shown_labels(&chart.labels) {
        let (x, y) = plane.backend_coord(&(at as f64 + 0.5, bounds.start));
        area.draw(&Text::new(label, (x, y + 8), style(HPos::Center, VPos::Top)))?;
    }
    Ok(())
}

/// As many as there is room for, the same number of places apart.
fn shown_labels(labels: &[String]) -> impl Iterator<Item = (usize, String)> {
    let step = labels.len().div_ceil(MOST_LABELS).max(1);
    labels.iter().map(|label| cut(label)).enumerate().step_by(step)
}

fn cut(name: &str) -> String {
    if name.chars().count() <= MOST_NAME_CHARS {
        return name.to_owned();
    }
    name.chars().take(MOST_NAME_CHARS - 1).chain(['…']).collect()
}

fn lines(plane: &mut Plane<'_, '_>, chart: &Chart) -> Result<(), Failure> {
    for (at, series) in chart.series.iter().enumerate() {
        let points = series.values.iter().enumerate().map(|(x, y)| (x as f64 + 0.5, *y));
        let points: Vec<_> = points.collect();
        let line = PathElement::new(points.clone(), colour(at).stroke_width(2));
        plane.draw_series([line])?;
        if points.len() <= MOST_MARKS {
            plane.draw_series(points.into_iter().map(|point| Circle::new(point, 3, filled(at))))?;
        }
    }
    Ok(())
}

fn standing_bars(plane: &mut Plane<'_, '_>, chart: &Chart) -> Result<(), Failure> {
    for (at, series) in chart.series.iter().enumerate() {
        let bars = series.values.iter().enumerate().map(|(place, value)| {
            let Range { start, end } = slot(place, at, chart.series.len());
            Rectangle::new([(start, 0.0), (end, *value)], filled(at))
        });
        plane.draw_series(bars)?;
    }
    Ok(())
}

fn lying_bars(area: &Area<'_>, chart: &Chart, bounds: Range<f64>) -> Result<(), Failure> {
    let count = chart.labels.len();
    let mut plane = ChartBuilder::on(area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(LABELS_HEIGHT)
        .y_label_area_size(NAMES_WIDTH)
        .build_cartesian_2d(bounds.clone(), 0.0..count as f64)?;
    grid(&mut plane, false)?;
    for (at, series) in chart.series.iter().enumerate() {
        let bars = series.values.iter().enumerate().map(|(place, value)| {
            // The first stands at the top.
            let Range { start, end } = slot(place, at, chart.series.len());
            let [start, end] = [start, end].map(|y| count as f64 - y);
            Rectangle::new([(0.0, start), (*value, end)], filled(at))
        });
        plane.draw_series(bars)?;
    }
    for (place, label) in chart.labels.iter().enumerate() {
        let middle = count as f64 - place as f64 - 0.5;
        let (x, y) = plane.backend_coord(&(bounds.start, middle));
        area.draw(&Text::new(cut(label), (x - 10, y), style(HPos::Right, VPos::Center)))?;
    }
    Ok(())
}

/// Where the bar of a series lies within its place.
fn slot(place: usize, series: usize, of: usize) -> Range<f64> {
    const WIDTH: f64 = 0.7;
    let each = WIDTH / of.max(1) as f64;
    let start = place as f64 + (1.0 - WIDTH) / 2.0 + series as f64 * each;
    start..start + each
}

fn pie(area: &Area<'_>, chart: &Chart) -> Result<(), Failure> {
    let Some(series) = chart.series.first() else { return Ok(()) };
    let colours: Vec<_> = (0..chart.labels.len()).map(colour).collect();
    // The legend has the names.
    let labels = vec![""; chart.labels.len()];
    let middle = i32::try_from(PIE_SIZE / 2).unwrap_or_default();
    let (center, radius) = ((middle, middle), f64::from(PIE_SIZE) * 0.46);
    let mut pie = Pie::new(&center, &radius, &series.values, &colours, &labels);
    pie.start_angle(-90.0);
    pie.donut_hole(radius * 0.55);
    pie.label_style(style(HPos::Center, VPos::Center));
    area.draw(&pie)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::Series;

    fn chart(shape: Shape, labels: &[&str], series: &[&[f64]]) -> Chart {
        let series = series
            .iter()
            .enumerate()
            .map(|(at, values)| Series { name: format!("series {at}"), values: values.to_vec() });
        Chart {
            name: "c".to_owned(),
            shape,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            series: series.collect(),
        }
    }

    fn drawn(chart: &Chart) -> String {
        svg(chart).unwrap().unwrap()
    }

    #[test]
    fn each_shape_draws_its_figures() {
        let values: [&[f64]; 1] = [&[1.0, 2.0, 3.0]];
        let of = |shape| drawn(&chart(shape, &["a", "b", "c"], &values));
        assert_eq!(of(Shape::Line).matches("<circle").count(), 3);
        assert_eq!(of(Shape::Bar).matches("fill=\"#2563EB\"").count(), 3);
        assert_eq!(of(Shape::Pie).matches("<polygon").count(), 3);
    }

    #[test]
    fn a_line_of_one_point_is_drawn_as_bars() {
        let one = drawn(&chart(Shape::Line, &["today"], &[&[3.0], &[1.0]]));
        assert!(!one.contains("<circle"), "{one}");
        assert!(one.contains("fill=\"#2563EB\"") && one.contains("fill=\"#F59E0B\""), "{one}");
    }

    #[test]
    fn a_label_is_never_markup() {
        for shape in [Shape::Bar, Shape::Line, Shape::Pie] {
            let svg = drawn(&chart(shape, &["</svg><b>"], &[&[1.0]]));
            assert!(!svg.contains("<b>"), "{svg}");
            assert_eq!(svg.matches("</svg>").count(), 1, "{svg}");
        }
    }

    #[test]
    fn figures_of_any_size_and_sign_are_drawn() {
        for values in [[-1e15, 1e15], [1e-300, 0.0], [-1.0, -2.0], [1e15, 1e15 - 1.0]] {
            for shape in [Shape::Bar, Shape::Line] {
                assert!(drawn(&chart(shape, &["a", "b"], &[&values])).ends_with("</svg>\n"));
            }
        }
        let many = vec!["label"; 400];
        let ones = vec![1.0; 400];
        assert!(drawn(&chart(Shape::Bar, &many, &[&ones, &ones])).contains("label"));
    }

    #[test]
    fn nothing_is_drawn_where_there_is_nothing() {
        assert_eq!(svg(&chart(Shape::Pie, &["a"], &[&[0.0]])).unwrap(), None);
        assert_eq!(svg(&chart(Shape::Line, &[], &[])).unwrap(), None);
    }

    #[test]
    fn a_legend_tells_series_and_slices_apart() {
        let one = legend(&chart(Shape::Bar, &["a"], &[&[1.0]]));
        let two = legend(&chart(Shape::Bar, &["a"], &[&[1.0], &[2.0]]));
        let pie = legend(&chart(Shape::Pie, &["a", "b"], &[&[1.0, 2.0]]));
        assert!(one.is_empty());
        assert_eq!((two[1].name.as_str(), two[1].colour.as_str()), ("series 1", "#f59e0b"));
        assert_eq!(pie[1].value.as_deref(), Some("2"));
    }
}
