//! The elements of a score: shorthands for its nodes, and its parts in either order of nesting.

use roxmltree::Node;

/// A part's identifier and its `<measure>`s; of a timewise score, the `<part>`s inside them.
pub(super) struct PartNodes<'a, 'i> {
    pub id: &'a str,
    pub measures: Vec<Node<'a, 'i>>,
}

/// The parts of a score whose measures stand inside parts.
pub(super) fn partwise<'a, 'i>(root: Node<'a, 'i>) -> Vec<PartNodes<'a, 'i>> {
    let part = |part: Node<'a, 'i>| PartNodes {
        id: part.attribute("id").unwrap_or_default(),
        measures: children(part, "measure").collect(),
    };
    children(root, "part").map(part).collect()
}

/// The parts of a score whose parts stand inside measures.
pub(super) fn timewise<'a, 'i>(root: Node<'a, 'i>) -> Vec<PartNodes<'a, 'i>> {
    let mut parts: Vec<PartNodes> = Vec::new();
    for measure in children(root, "measure") {
        for part in children(measure, "part") {
            let id = part.attribute("id").unwrap_or_default();
            match parts.iter_mut().find(|known| known.id == id) {
                Some(known) => known.measures.push(part),
                None => parts.push(PartNodes { id, measures: vec![part] }),
            }
        }
    }
    parts
}

/// The measures of the longest part.
pub(super) fn measure_count(parts: &[PartNodes]) -> usize {
    parts.iter().map(|part| part.measures.len()).max().unwrap_or(0)
}

pub(super) fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> + Clone {
    node.children().filter(move |child| child.has_tag_name(name))
}

/// The first child of that name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

/// The trimmed text of the first child of that name.
pub(super) fn text_of<'a>(node: Node<'a, '_>, name: &'static str) -> Option<&'a str> {
    child(node, name).and_then(|child| child.text()).map(str::trim)
}
