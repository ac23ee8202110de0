//! Places of which there are only so many, shared among tenants: starts of instances, compilations, requests of guests.
//!
//! Invariants: no tenant holds more than its share, so that one whose work never ends leaves places to the others; a place that
//! becomes free goes to the tenants that wait in turn, and within a tenant to whoever has waited longest. Whoever gives up waiting
//! takes nothing.

use millrace_model::ids::TenantId;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::oneshot;

/// Places shared among tenants; cheap to clone.
#[derive(Debug, Clone)]
pub struct FairPlaces(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    all: usize,
    each: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    tenants: HashMap<TenantId, Share>,
    /// Tenants with somebody who waits, in the order in which they are served.
    turns: VecDeque<TenantId>,
}

#[derive(Debug, Default)]
struct Share {
    taken: usize,
    waiting: VecDeque<oneshot::Sender<Place>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    tenant: TenantId,
}

impl FairPlaces {
    /// So many places, of which one tenant holds at most `each`; at least one of both.
    pub fn new(all: usize, each: usize) -> Self {
        let all = all.max(1);
        Self(Arc::new(Shared { all, each: each.clamp(1, all), state: Mutex::default() }))
    }

    /// So many places, of which one tenant holds at most a quarter, but at least one.
    pub fn quarters(all: usize) -> Self {
        Self::new(all, all / 4)
    }

    /// Places of all tenants.
    pub fn all(&self) -> usize {
        self.0.all
    }

    /// Places of one tenant.
    pub fn each(&self) -> usize {
        self.0.each
    }

    /// Whether the tenant holds all that it may: then it waits for itself, not for others.
    pub fn is_at_share(&self, tenant: &TenantId) -> bool {
        self.0.state.lock().tenants.get(tenant).is_some_and(|share| share.taken >= self.0.each)
    }

    /// Waits for a place. Cancel safe.
    pub async fn take(&self, tenant: &TenantId) -> Place {
        loop {
            let waiting = {
                let mut state = self.0.state.lock();
                if state.has_room(&self.0, tenant) {
                    return state.take(&self.0, tenant);
                }
                let (sender, waiting) = oneshot::channel();
                let share = state.tenants.entry(tenant.clone()).or_default();
                share.waiting.retain(|earlier| !earlier.is_closed());
                share.waiting.push_back(sender);
                if !state.turns.contains(tenant) {
                    state.turns.push_back(tenant.clone());
                }
                waiting
            };
            // Nobody drops a sender without having sent; if it happened, waiting anew would be right.
            if let Ok(place) = waiting.await {
                return place;
            }
        }
    }

    /// A place, if there is one now and nobody of the tenant waits for it.
    pub fn try_take(&self, tenant: &TenantId) -> Option<Place> {
        let mut state = self.0.state.lock();
        state.has_room(&self.0, tenant).then(|| state.take(&self.0, tenant))
    }
}

impl State {
    /// Whether a place is free for the tenant. Those who wait while one is free wait for their own tenant's.
    fn has_room(&self, shared: &Shared, tenant: &TenantId) -> bool {
        let share = self.tenants.get(tenant);
        self.taken < shared.all && share.is_none_or(|share| share.taken < shared.each && share.waiting.iter().all(|w| w.is_closed()))
    }

    fn take(&mut self, shared: &Arc<Shared>, tenant: &TenantId) -> Place {
        self.taken += 1;
        self.tenants.entry(tenant.clone()).or_default().taken += 1;
        Place { shared: shared.clone(), tenant: tenant.clone() }
    }

    /// Gives free places to those who wait, tenant by tenant; answers what is to be handed over without the lock.
    fn serve(&mut self, shared: &Arc<Shared>) -> Vec<(oneshot::Sender<Place>, Place)> {
        let mut given = Vec::new();
        let mut passed = 0;
        while self.taken < shared.all && passed < self.turns.len() {
            let Some(tenant) = self.turns.pop_front() else { break };
            let Some(share) = self.tenants.get_mut(&tenant) else { continue };
            share.waiting.retain(|waiting| !waiting.is_closed());
            let next = if share.taken < shared.each { share.waiting.pop_front() } else { None };
            let waits_on = !share.waiting.is_empty();
            match next {
                Some(waiting) => {
                    given.push((waiting, self.take(shared, &tenant)));
                    passed = 0;
                }
                // Counts while it keeps its turn; without anybody who waits it loses that.
                None => passed += usize::from(waits_on),
            }
            if waits_on {
                self.turns.push_back(tenant);
            }
        }
        given
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let given = {
            let mut state = self.shared.state.lock();
            state.taken = state.taken.saturating_sub(1);
            if let Some(share) = state.tenants.get_mut(&self.tenant) {
                share.taken = share.taken.saturating_sub(1);
            }
            let given = state.serve(&self.shared);
            state.tenants.retain(|_, share| share.taken > 0 || !share.waiting.is_empty());
            given
        };
        for (waiting, place) in given {
            // Whoever has given up since lets it fall, which gives it to the next.
            drop(waiting.send(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{pin::Pin, task::Poll, time::Duration};

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name)
    }

    /// Begins to wait; answers who has begun.
    async fn begun<'a>(places: &'a FairPlaces, name: &str) -> Pin<Box<dyn Future<Output = Place> + 'a>> {
        let tenant = tenant(name);
        let mut taking: Pin<Box<dyn Future<Output = Place> + 'a>> = Box::pin(async move { places.take(&tenant).await });
        let waits = std::future::poll_fn(|context| Poll::Ready(taking.as_mut().poll(context).is_pending())).await;
        assert!(waits, "{name} has to wait");
        taking
    }

    async fn has(taking: &mut Pin<Box<dyn Future<Output = Place> + '_>>) -> Option<Place> {
        tokio::time::timeout(Duration::from_millis(10), taking).await.ok()
    }

    #[tokio::test]
    async fn one_tenant_holds_its_share_alone() {
        let places = FairPlaces::quarters(8);
        assert_eq!((places.all(), places.each()), (8, 2));
        let mine: Vec<_> = (0..5).filter_map(|_| places.try_take(&tenant("a"))).collect();
        assert_eq!(mine.len(), 2);
        let mut waiting = begun(&places, "a").await;
        let others: Vec<_> = ["b", "b", "c", "d", "d", "e", "f"].iter().filter_map(|name| places.try_take(&tenant(name))).collect();
        assert_eq!(others.len(), 6, "who waits for its own share holds nobody up, and there are eight");
        drop(mine);
        assert!(has(&mut waiting).await.is_some());
        assert_eq!(FairPlaces::quarters(1).each(), 1);
    }

    #[tokio::test]
    async fn tenants_take_turns_and_their_own_are_served_in_order() {
        let places = FairPlaces::new(1, 1);
        let mut held = places.try_take(&tenant("a")).unwrap();
        let mut waiting = Vec::new();
        for name in ["a", "a", "a", "b", "b", "c"] {
            waiting.push((name, begun(&places, name).await));
        }
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(held);
            let mut served = None;
            for (at, (_, taking)) in waiting.iter_mut().enumerate() {
                if let Some(place) = has(taking).await {
                    assert!(served.is_none(), "one place, one served");
                    served = Some((at, place));
                }
            }
            let (at, place) = served.unwrap();
            order.push(waiting.remove(at).0);
            // Within a tenant the first in line is the first of its entries that are left.
            assert!(waiting[..at].iter().all(|(name, _)| Some(name) != order.last()));
            held = place;
        }
        assert_eq!(order, ["a", "b", "c", "a", "b", "a"]);
        drop(held);
        assert!(places.0.state.lock().tenants.is_empty(), "nothing is kept of those who are done");
    }

    #[tokio::test]
    async fn whoever_gives_up_takes_nothing() {
        let places = FairPlaces::new(1, 1);
        let held = places.try_take(&tenant("a")).unwrap();
        let (first, mut second) = (begun(&places, "a").await, begun(&places, "b").await);
        let third = begun(&places, "b").await;
        drop(first);
        drop(held);
        // Handed over, but never looked at.
        let place = has(&mut second).await.unwrap();
        drop(place);
        drop(third);
        assert!(places.try_take(&tenant("c")).is_some());
    }
}
