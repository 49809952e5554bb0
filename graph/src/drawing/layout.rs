//! Where the boxes of a layered picture stand and how its edges run.
//!
//! The method is that of Sugiyama, Tagawa and Toda (1981), made light. Layers are longest paths,
//! sources moved down to their outputs; an edge over several layers gets a bend in each layer
//! between. Sweeps down and up put each layer in the order of its neighbours' barycentres, and the
//! order with the fewest crossings is kept. Positions within the layers come from more sweeps: each
//! box wishes to stand at the mean of its neighbours, and pooling adjacent violators (Ayer and
//! others, 1955) finds the positions nearest to the wishes at which nothing overlaps.
//!
//! It speaks of `across` (along a layer) and `along` (from layer to layer), and does not know which
//! way is down.

/// Sweeps over a small picture, each down and up; a large one gets fewer.
const SWEEPS: usize = 12;
const SWEEPS_WHEN_LARGE: usize = 2;
/// A picture with more boxes and bends than this is large.
const LARGE: usize = 3_000;
/// With more bends than this, long edges run straight, even behind boxes.
const MOST_BENDS: usize = 100_000;
/// How much stronger a bend draws its neighbours than a box does, so that long edges become
/// straight.
const BEND_PULL: f64 = 4.0;

/// A box to be placed: its extent along a layer.
pub(super) struct Extents {
    pub(super) across: Vec<f64>,
    /// Free space between two boxes of a layer.
    pub(super) gap: f64,
}

pub(super) struct Layout {
    /// The middle of each box along its layer.
    pub(super) across: Vec<f64>,
    pub(super) layer: Vec<usize>,
    /// For each edge, in the order given, the middles of its bends, in the layers between its ends.
    pub(super) bends: Vec<Vec<f64>>,
    /// How far the picture extends along its layers, from 0.
    pub(super) width: f64,
}

/// Boxes and bends, which are laid out alike.
struct Items {
    extent: Vec<f64>,
    is_bend: Vec<bool>,
    layer: Vec<usize>,
    /// Neighbours in the layer before and in the layer behind.
    before: Vec<Vec<usize>>,
    behind: Vec<Vec<usize>>,
}

/// Lays out boxes in the given layers; every edge leads to a later layer.
pub(super) fn lay_out(extents: &Extents, mut layer: Vec<usize>, edges: &[(usize, usize)]) -> Layout {
    let count = layer.len();
    lower_sources(&mut layer, edges);
    let (items, bends) = with_bends(extents, &layer, edges);
    let mut layers = vec![Vec::new(); items.layer.iter().max().map_or(0, |last| last + 1)];
    items.layer.iter().enumerate().for_each(|(item, &layer)| layers[layer].push(item));

    let sweeps = if items.layer.len() > LARGE { SWEEPS_WHEN_LARGE } else { SWEEPS };
    order_layers(&items, &mut layers, sweeps);
    let across = place(&items, &layers, extents.gap, sweeps);
    let width = (0..items.layer.len()).map(|item| across[item] + items.extent[item] / 2.0).fold(0.0, f64::max);
    let bends = bends.into_iter().map(|bends| bends.into_iter().map(|bend| across[bend]).collect()).collect();
    Layout { across: across[..count].to_vec(), layer, bends, width }
}

/// Moves boxes without inputs to the layer before their first output.
fn lower_sources(layer: &mut [usize], edges: &[(usize, usize)]) {
    let mut lowest = vec![usize::MAX; layer.len()];
    let mut has_input = vec![false; layer.len()];
    for &(source, target) in edges {
        lowest[source] = lowest[source].min(layer[target] - 1);
        has_input[target] = true;
    }
    for item in 0..layer.len() {
        if !has_input[item] && lowest[item] != usize::MAX {
            layer[item] = lowest[item];
        }
    }
}

/// Gives each edge its bends.
fn with_bends(extents: &Extents, layer: &[usize], edges: &[(usize, usize)]) -> (Items, Vec<Vec<usize>>) {
    let count = layer.len();
    let mut items = Items {
        extent: extents.across.clone(),
        is_bend: vec![false; count],
        layer: layer.to_vec(),
        before: vec![Vec::new(); count],
        behind: vec![Vec::new(); count],
    };
    let wanted: usize = edges.iter().map(|&(source, target)| layer[target] - layer[source] - 1).sum();
    let mut bends = Vec::with_capacity(edges.len());
    for &(source, target) in edges {
        let mut own = Vec::new();
        let mut end = source;
        if wanted <= MOST_BENDS {
            for between in layer[source] + 1..layer[target] {
                let bend = items.layer.len();
                items.extent.push(0.0);
                items.is_bend.push(true);
                items.layer.push(between);
                items.before.push(vec![end]);
                items.behind.push(Vec::new());
                items.behind[end].push(bend);
                own.push(bend);
                end = bend;
            }
        }
        items.behind[end].push(target);
        items.before[target].push(end);
        bends.push(own);
    }
    (items, bends)
}

/// Sorts each layer by the barycentres of its neighbours' ranks, sweeping down and up, and keeps
/// the best order.
fn order_layers(items: &Items, layers: &mut Vec<Vec<usize>>, sweeps: usize) {
    let mut rank = vec![0; items.layer.len()];
    let set_ranks = |layer: &[usize], rank: &mut Vec<usize>| {
        layer.iter().enumerate().for_each(|(position, &item)| rank[item] = position);
    };
    layers.iter().for_each(|layer| set_ranks(layer, &mut rank));
    let mut best = layers.clone();
    let mut fewest = crossings(items, layers, &rank);
    let last = layers.len().saturating_sub(1);
    for sweep in 0..2 * sweeps {
        if fewest == 0 {
            break;
        }
        let is_down = sweep % 2 == 0;
        for turn in 0..layers.len() {
            let layer = &mut layers[if is_down { turn } else { last - turn }];
            let mut keyed: Vec<(f64, usize)> = layer
                .iter()
                .map(|&item| {
                    let neighbours = if is_down { &items.before[item] } else { &items.behind[item] };
                    let sum: usize = neighbours.iter().map(|&neighbour| rank[neighbour]).sum();
                    let none = rank[item] as f64;
                    (if neighbours.is_empty() { none } else { sum as f64 / neighbours.len() as f64 }, item)
                })
                .collect();
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
            layer.iter_mut().zip(keyed).for_each(|(item, (_, sorted))| *item = sorted);
            set_ranks(layer, &mut rank);
        }
        let now = crossings(items, layers, &rank);
        if now < fewest {
            fewest = now;
            best.clone_from(layers);
        }
    }
    *layers = best;
}

/// How many pairs of edges between adjacent layers cross: the inversions among the edges' ends,
/// counted with a binary indexed tree.
fn crossings(items: &Items, layers: &[Vec<usize>], rank: &[usize]) -> u64 {
    let mut total = 0;
    for pair in layers.windows(2) {
        let mut tree = vec![0_u64; pair[1].len() + 1];
        let mut added = 0;
        for &item in &pair[0] {
            let mut ends: Vec<usize> = items.behind[item].iter().map(|&end| rank[end]).collect();
            ends.sort_unstable();
            for &end in &ends {
                let (mut at, mut not_behind) = (end + 1, 0);
                while at > 0 {
                    not_behind += tree[at];
                    at &= at - 1;
                }
                total += added - not_behind;
            }
            for &end in &ends {
                let mut at = end + 1;
                while at < tree.len() {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
                added += 1;
            }
        }
    }
    total
}

/// Finds the middles of all items along their layers.
fn place(items: &Items, layers: &[Vec<usize>], gap: f64, sweeps: usize) -> Vec<f64> {
    let mut across = vec![0.0; items.layer.len()];
    for layer in layers {
        let mut end = 0.0;
        for &item in layer {
            across[item] = end + items.extent[item] / 2.0;
            end += items.extent[item] + gap;
        }
        layer.iter().for_each(|&item| across[item] -= end / 2.0);
    }
    for sweep in 0..2 * sweeps {
        let is_down = sweep % 2 == 0;
        for turn in 0..layers.len() {
            let layer = &layers[if is_down { turn } else { layers.len() - 1 - turn }];
            let wishes: Vec<f64> = layer.iter().map(|&item| wish(items, &across, item, is_down, sweep)).collect();
            settle(items, layer, &wishes, gap, &mut across);
        }
    }
    let start = (0..across.len()).map(|item| across[item] - items.extent[item] / 2.0).fold(f64::INFINITY, f64::min);
    across.iter_mut().for_each(|middle| *middle -= start);
    across
}

/// Where an item wants to stand: at the mean of its neighbours on one side or, in the later sweeps,
/// on both.
fn wish(items: &Items, across: &[f64], item: usize, is_down: bool, sweep: usize) -> f64 {
    let (first, second) = if is_down { (&items.before, &items.behind) } else { (&items.behind, &items.before) };
    let others: &[usize] = if sweep < 4 && !first[item].is_empty() { &[] } else { &second[item] };
    let (mut sum, mut weights) = (0.0, 0.0);
    for &neighbour in first[item].iter().chain(others) {
        let weight = if items.is_bend[neighbour] && items.is_bend[item] { BEND_PULL } else { 1.0 };
        sum += across[neighbour] * weight;
        weights += weight;
    }
    if weights == 0.0 { across[item] } else { sum / weights }
}

/// Puts the items of a layer, in their order, as near to their wishes as they can stand without
/// overlapping.
fn settle(items: &Items, layer: &[usize], wishes: &[f64], gap: f64, across: &mut [f64]) {
    // What is to be found, less the room that the items before need, must not fall: an isotonic
    // regression. A pool is a run of items that touch each other: sum of wishes, weight.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    let mut room = Vec::with_capacity(layer.len());
    let mut taken = 0.0;
    for (rank, &item) in layer.iter().enumerate() {
        if rank > 0 {
            taken += (items.extent[layer[rank - 1]] + items.extent[item]) / 2.0 + gap;
        }
        room.push(taken);
        let weight = if items.is_bend[item] { BEND_PULL } else { 1.0 };
        let mut pool = ((wishes[rank] - taken) * weight, weight, 1);
        while let Some(&(sum, weight, members)) = pools.last() {
            if sum / weight <= pool.0 / pool.1 {
                break;
            }
            pool = (pool.0 + sum, pool.1 + weight, pool.2 + members);
            pools.pop();
        }
        pools.push(pool);
    }
    let mut rank = 0;
    for (sum, weight, members) in pools {
        for _ in 0..members {
            across[layer[rank]] = sum / weight + room[rank];
            rank += 1;
        }
    }
}
