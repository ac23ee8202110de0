//! Accounts, limits of a tenant, reopening, and what a report says.

use crate::guests::{self, ECHO};
use millrace_model::Classified;
use millrace_sandbox::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PROCESS: &str = "(func (export \"millrace:plugin/etl@0.1.0#process\") (param i32 i32 i32 i32 i32 i32) (result i32)";
const WITHOUT_PROCESS: [&str; 5] = ["memory", "realloc", "open", "echo", "post"];

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

async fn echo(fixture: &guests::Fixture) -> Arc<LoadedComponent> {
    fixture.load(guests::component(&guests::module(&ECHO, ""), WIT_VERSION)).await
}

#[test]
fn fuel_time_and_memory_are_charged_to_operator_and_tenant() {
    run(async {
        let fixture = guests::fixture();
        let component = echo(&fixture).await;
        let spec = guests::open(guests::limits());
        let account = spec.account.clone();
        let mut operator = fixture.sandbox.open_etl(&component, spec, guests::schema()).await.unwrap();
        let before = operator.usage();
        for _ in 0..10 {
            operator.process(&guests::batch()).await.unwrap();
        }
        let usage = operator.usage();
        assert_eq!(usage.calls, before.calls + 10);
        assert!(usage.fuel > before.fuel, "{usage:?}");
        assert_eq!(usage.memory_peak_bytes, 2 * 65_536);
        let tenant = account.usage();
        assert_eq!((tenant.fuel, tenant.calls, tenant.faults), (usage.fuel, usage.calls, 0));
        assert_eq!((tenant.memory_bytes, tenant.instances), (2 * 65_536, 1));
        drop(operator);
        assert_eq!((account.usage().memory_bytes, account.usage().instances), (0, 0));
    });
}

#[test]
fn a_trap_is_charged_the_whole_budget_and_reopening_makes_a_new_instance() {
    run(async {
        let fixture = guests::fixture();
        // Traps on every second batch, as long as the instance lives: a new one begins anew.
        let fields = format!(
            "(global $calls (mut i32) (i32.const 0)) {PROCESS}
               (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
               (if (i32.eq (global.get $calls) (i32.const 2)) (then unreachable))
               (call $echo (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)))"
        );
        let component = fixture.load(guests::component(&guests::module(&WITHOUT_PROCESS, &fields), WIT_VERSION)).await;
        let limits = guests::limits();
        let mut operator = fixture.sandbox.open_etl(&component, guests::open(limits.clone()), guests::schema()).await.unwrap();
        operator.process(&guests::batch()).await.unwrap();
        let before = operator.usage().fuel;
        let report = operator.process(&guests::batch()).await.unwrap_err();
        assert_eq!((report.kind, report.stage), (FaultKind::Trap, Stage::Process));
        assert_eq!(operator.usage().fuel - before, limits.process_fuel);
        assert_eq!(operator.process(&guests::batch()).await.unwrap_err().kind, FaultKind::Closed);
        operator.reopen().await.unwrap();
        operator.process(&guests::batch()).await.unwrap();
        assert_eq!(operator.usage().faults, 2);
    });
}

#[test]
fn a_tenant_out_of_fuel_waits_and_its_neighbour_does_not() {
    run(async {
        let fixture = guests::fixture();
        let component = echo(&fixture).await;
        let mut probe = fixture.sandbox.open_etl(&component, guests::open(guests::limits()), guests::schema()).await.unwrap();
        let fuel = probe.usage().fuel;
        probe.process(&guests::batch()).await.unwrap();
        let fuel_per_call = probe.usage().fuel - fuel;
        // Ten calls a second, after a burst of one second.
        let mut spec = guests::open(guests::limits());
        let limits = TenantLimits { fuel_per_second: Some(fuel_per_call * 10), fuel_burst_s: 1, ..TenantLimits::default() };
        spec.account = Arc::new(TenantAccount::new(limits));
        let mut poor = fixture.sandbox.open_etl(&component, spec, guests::schema()).await.unwrap();
        let started = Instant::now();
        for _ in 0..15 {
            poor.process(&guests::batch()).await.unwrap();
        }
        assert!(started.elapsed() > Duration::from_millis(300), "{:?}", started.elapsed());
        let waiting = tokio::spawn(async move {
            for _ in 0..20 {
                poor.process(&guests::batch()).await.unwrap();
            }
        });
        for _ in 0..50 {
            probe.process(&guests::batch()).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished(), "the neighbour waited for the tenant without fuel");
        waiting.abort();
        let _ = waiting.await;
    });
}

#[test]
fn a_tenant_shares_memory_and_instances_between_its_operators() {
    run(async {
        let fixture = guests::fixture();
        let component = echo(&fixture).await;
        let account = |limits| Arc::new(TenantAccount::new(limits));
        let spec = |account: &Arc<TenantAccount>| {
            let mut spec = guests::open(guests::limits());
            spec.account = account.clone();
            spec
        };
        let small = account(TenantLimits { memory_bytes_max: 3 * 65_536, ..TenantLimits::default() });
        let first = fixture.sandbox.open_etl(&component, spec(&small), guests::schema()).await.unwrap();
        let report = fixture.sandbox.open_etl(&component, spec(&small), guests::schema()).await.err().unwrap();
        assert_eq!((report.kind, report.is_retryable()), (FaultKind::TenantLimit, true));
        drop(first);
        fixture.sandbox.open_etl(&component, spec(&small), guests::schema()).await.unwrap();

        let few = account(TenantLimits { instances_max: 1, ..TenantLimits::default() });
        let first = fixture.sandbox.open_etl(&component, spec(&few), guests::schema()).await.unwrap();
        let report = fixture.sandbox.open_etl(&component, spec(&few), guests::schema()).await.err().unwrap();
        assert!(report.to_string().contains("already has 1 instances"), "{report}");
        drop(first);
    });
}

#[test]
fn parameters_and_dimension_tables_answer() {
    run(async {
        let fixture = guests::fixture();
        // Answers the parameter `threshold` as a fault message: result<batch, fault> at 1024, option<string> at 2100.
        let fields = format!(
            "(data (i32.const 2048) \"threshold\") {PROCESS}
               (call $parameter (i32.const 2048) (i32.const 9) (i32.const 2100))
               (i32.store8 (i32.const 1024) (i32.const 1))
               (i32.store (i32.const 1028) (i32.load (i32.const 2104)))
               (i32.store (i32.const 1032) (i32.load (i32.const 2108)))
               (i32.store8 (i32.const 1036) (i32.const 1))
               (i32.store (i32.const 1040) (i32.const 7))
               (i32.const 1024))"
        );
        let module = guests::module(&WITHOUT_PROCESS, &fields)
            .replace("(module\n", "(module (import \"millrace:plugin/host@0.1.0\" \"parameter\" (func $parameter (param i32 i32 i32)))\n");
        let component = fixture.load(guests::component(&module, WIT_VERSION)).await;
        let mut operator = fixture.sandbox.open_etl(&component, guests::open(guests::limits()), guests::schema()).await.unwrap();
        let report = operator.process(&guests::batch()).await.unwrap_err();
        assert_eq!((report.kind, report.message.as_str(), report.row), (FaultKind::GuestError, "0.5", Some(7)));
        assert!(operator.is_open());
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<FaultReport>(&text).unwrap(), report);
    });
}

#[test]
fn an_idle_operator_is_small_and_quick_to_open() {
    run(async {
        const OPERATORS: usize = 90;
        let fixture = guests::fixture();
        let component = echo(&fixture).await;
        let resident = || {
            let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
            pages.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
        };
        let mut operators = Vec::new();
        let before = resident();
        for _ in 0..OPERATORS {
            let mut operator = fixture.sandbox.open_etl(&component, guests::open(guests::limits()), guests::schema()).await.unwrap();
            operator.process(&guests::batch()).await.unwrap();
            operators.push(operator);
        }
        let each = resident().saturating_sub(before) / OPERATORS;
        assert!(each < 512 << 10, "{each} bytes of each operator");
    });
}
