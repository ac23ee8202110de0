//! Who may do what where: scopes, grants, principals and the one decision [`Principal::allowed`].
//!
//! Invariant: a grant never reaches beyond its own scope, and nobody can give more than they have ([`Principal::may_grant`]).

use crate::{
    action::{Action, TokenScope, permits},
    role::Role,
};
use millrace_model::ids::{ProjectId, TenantId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A project and the tenant it belongs to: what every query on project data is limited to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProjectScope {
    /// The tenant.
    pub tenant: TenantId,
    /// The project.
    pub project: ProjectId,
}

impl ProjectScope {
    /// The project `project` of `tenant`.
    pub fn new(tenant: TenantId, project: ProjectId) -> Self {
        Self { tenant, project }
    }
}

/// How far a grant reaches, or where an action takes place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The whole installation.
    Platform,
    /// One tenant with all its projects.
    Tenant(TenantId),
    /// One project.
    Project(ProjectScope),
}

impl Scope {
    /// The tenant, if the scope lies within one.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Platform => None,
            Self::Tenant(tenant) => Some(tenant),
            Self::Project(scope) => Some(&scope.tenant),
        }
    }

    /// The project, if the scope is one.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Platform | Self::Tenant(_) => None,
            Self::Project(scope) => Some(&scope.project),
        }
    }

    /// Whether everything in `other` lies in `self`.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Platform, Self::Platform | Self::Tenant(_) | Self::Project(_)) => true,
            (Self::Tenant(mine), Self::Tenant(theirs)) => mine == theirs,
            (Self::Tenant(mine), Self::Project(theirs)) => *mine == theirs.tenant,
            (Self::Project(mine), Self::Project(theirs)) => mine == theirs,
            (Self::Tenant(_), Self::Platform) | (Self::Project(_), Self::Platform | Self::Tenant(_)) => false,
        }
    }
}

/// A role within a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// What the holder is.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Id of the user.
    pub user: String,
    /// Name of the user, for the audit log.
    pub name: String,
    /// Id of the person whose work it is, where the user is a machine; none for persons and for a server's own administrator.
    pub on_behalf_of: Option<String>,
    /// Roles held.
    pub grants: Vec<Grant>,
    /// What the presented token may be used for.
    pub token_scopes: BTreeSet<TokenScope>,
}

impl Principal {
    /// Id of the person behind this caller: themselves, or whoever has made the token of a machine.
    pub fn person(&self) -> &str {
        self.on_behalf_of.as_deref().unwrap_or(&self.user)
    }

    /// Whether this caller may do `action` in `scope`.
    pub fn allowed(&self, action: Action, scope: &Scope) -> bool {
        self.token_scopes.contains(&action.token_scope())
            && self.grants.iter().any(|grant| permits(grant.role, action) && reaches(grant, action, scope))
    }

    /// Whether this caller may do `action` everywhere in `scope`: also what [`Self::allowed`] lets people do who only have a part
    /// of it.
    pub fn allowed_throughout(&self, action: Action, scope: &Scope) -> bool {
        self.token_scopes.contains(&action.token_scope())
            && self.grants.iter().any(|grant| permits(grant.role, action) && grant.scope.covers(scope))
    }

    /// Whether this caller may know that `scope` is there; if not, the answer is "not found".
    pub fn sees(&self, scope: &Scope) -> bool {
        self.grants.iter().any(|grant| grant.scope.covers(scope) || scope.covers(&grant.scope))
    }

    /// Whether this caller may give `role` in `scope` to somebody: only who may do all that the role may do.
    pub fn may_grant(&self, role: Role, scope: &Scope) -> bool {
        Action::ALL.iter().filter(|&&action| permits(role, action)).all(|&action| self.allowed(action, scope))
    }
}

impl Principal {
    /// Every action that this caller may do in `scope`, in the order of declaration.
    pub fn allowed_actions(&self, scope: &Scope) -> Vec<Action> {
        Action::ALL.iter().copied().filter(|&action| self.allowed(action, scope)).collect()
    }
}

/// What a token takes away from its owner's roles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenLimit {
    /// Only this role; all of the owner's if none.
    pub role: Option<Role>,
    /// Only within this tenant.
    pub tenant: Option<TenantId>,
    /// Only within this project of the tenant.
    pub project: Option<ProjectId>,
}

impl TokenLimit {
    /// Where the token reaches.
    pub fn scope(&self) -> Scope {
        match (&self.tenant, &self.project) {
            (Some(tenant), Some(project)) => Scope::Project(ProjectScope::new(tenant.clone(), project.clone())),
            (Some(tenant), None) => Scope::Tenant(tenant.clone()),
            (None, _) => Scope::Platform,
        }
    }

    /// What is left of `grants`: never more than the owner has at this moment.
    pub fn narrow(&self, grants: &[Grant]) -> Vec<Grant> {
        let scope = self.scope();
        let clipped = grants.iter().filter_map(|grant| match (scope.covers(&grant.scope), grant.scope.covers(&scope)) {
            (true, _) => Some(grant.clone()),
            (false, true) => Some(Grant { role: grant.role, scope: scope.clone() }),
            (false, false) => None,
        });
        let clipped: Vec<Grant> = clipped.collect();
        let Some(role) = self.role else { return clipped };
        let owner = Principal {
            user: String::new(),
            name: String::new(),
            on_behalf_of: None,
            grants: clipped.clone(),
            token_scopes: TokenScope::ALL.iter().copied().collect(),
        };
        // An administrator's token may be a lesser role than any that its owner holds.
        if owner.may_grant(role, &scope) {
            return vec![Grant { role, scope }];
        }
        clipped.into_iter().filter(|grant| grant.role == role).collect()
    }
}

/// Who has a project must also see the tenant around it, and use what the tenant offers to its projects; everything else
/// needs a grant that covers the place.
fn reaches(grant: &Grant, action: Action, scope: &Scope) -> bool {
    let from_within = matches!(
        action,
        Action::TenantView
            | Action::FunctionView
            | Action::TemplateView
            | Action::TemplateEdit
            | Action::QuotaView
            | Action::ApprovalView
            | Action::ApprovalDecide
            | Action::ApprovalWithdraw
            | Action::PermissionApply
            | Action::CatalogView
            | Action::UserView
            | Action::BusinessDataEdit
            | Action::RelationEdit
            | Action::TagAttach
    );
    grant.scope.covers(scope) || (from_within && scope.covers(&grant.scope) && *scope != Scope::Platform)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> Scope {
        Scope::Tenant(TenantId::new(id))
    }

    fn project(tenant: &str, id: &str) -> Scope {
        Scope::Project(ProjectScope::new(TenantId::new(tenant), ProjectId::new(id)))
    }

    fn principal(grants: &[(Role, Scope)]) -> Principal {
        Principal {
            user: "usr_1".into(),
            name: "ann".into(),
            on_behalf_of: None,
            grants: grants.iter().map(|(role, scope)| Grant { role: *role, scope: scope.clone() }).collect(),
            token_scopes: TokenScope::ALL.iter().copied().collect(),
        }
    }

    #[test]
    fn a_grant_stays_within_its_scope() {
        let developer = principal(&[(Role::Developer, project("a", "p"))]);
        assert!(developer.allowed(Action::JobEdit, &project("a", "p")));
        assert!(developer.allowed(Action::TenantView, &tenant("a")));
        assert!(developer.sees(&tenant("a")));
        for elsewhere in [project("a", "q"), project("b", "p"), tenant("b")] {
            assert!(!developer.allowed(Action::JobEdit, &elsewhere), "{elsewhere:?}");
            assert!(!developer.sees(&elsewhere), "{elsewhere:?}");
        }
        assert!(developer.allowed(Action::TemplateEdit, &tenant("a")) && !developer.allowed(Action::TemplatePublish, &tenant("a")));
        assert!(!developer.allowed(Action::ProjectCreate, &tenant("a")));
        assert!(developer.allowed(Action::TagAttach, &tenant("a")) && !developer.allowed_throughout(Action::TagAttach, &tenant("a")));
        assert!(developer.allowed_throughout(Action::TagAttach, &project("a", "p")));
        let admin = principal(&[(Role::TenantAdmin, tenant("a"))]);
        assert!(admin.allowed(Action::JobEdit, &project("a", "q")));
        assert!(!admin.allowed(Action::JobEdit, &project("b", "q")));
        assert!(!admin.allowed(Action::TenantCreate, &Scope::Platform));
    }

    #[test]
    fn a_platform_role_in_a_narrow_scope_does_not_reach_the_platform() {
        let odd = principal(&[(Role::PlatformAdmin, tenant("a"))]);
        assert!(!odd.allowed(Action::TenantCreate, &Scope::Platform));
        assert!(!odd.allowed(Action::TenantView, &Scope::Platform));
        assert!(odd.allowed(Action::JobEdit, &project("a", "p")));
    }

    #[test]
    fn a_token_narrows_its_owner() {
        let mut admin = principal(&[(Role::TenantAdmin, tenant("a"))]);
        admin.token_scopes = [TokenScope::Read].into();
        assert!(admin.allowed(Action::JobView, &project("a", "p")));
        assert!(!admin.allowed(Action::JobEdit, &project("a", "p")));
        assert!(!admin.may_grant(Role::Developer, &project("a", "p")));
    }

    #[test]
    fn a_persons_token_is_never_more_than_the_person() {
        let limit =
            |role, project: Option<&str>| TokenLimit { role, tenant: Some(TenantId::new("a")), project: project.map(ProjectId::new) };
        let grant = |role, scope: Scope| Grant { role, scope };
        let admin = [grant(Role::TenantAdmin, tenant("a")), grant(Role::Developer, project("b", "p"))];
        assert_eq!(limit(None, None).narrow(&admin), [grant(Role::TenantAdmin, tenant("a"))], "its tenant only");
        assert_eq!(limit(None, Some("p")).narrow(&admin), [grant(Role::TenantAdmin, project("a", "p"))]);
        assert_eq!(limit(Some(Role::Developer), Some("p")).narrow(&admin), [grant(Role::Developer, project("a", "p"))]);
        let developer = [grant(Role::Developer, project("a", "p")), grant(Role::Member, tenant("a"))];
        assert_eq!(limit(Some(Role::Developer), None).narrow(&developer), [grant(Role::Developer, project("a", "p"))]);
        assert_eq!(limit(None, Some("q")).narrow(&developer), [grant(Role::Member, project("a", "q"))]);
        assert!(limit(Some(Role::TenantAdmin), None).narrow(&developer).is_empty());
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        let admin = principal(&[(Role::TenantAdmin, tenant("a"))]);
        assert!(admin.may_grant(Role::TenantAdmin, &tenant("a")));
        assert!(admin.may_grant(Role::Developer, &project("a", "p")));
        assert!(!admin.may_grant(Role::PlatformAdmin, &tenant("a")));
        assert!(!admin.may_grant(Role::Developer, &project("b", "p")));
        let developer = principal(&[(Role::Developer, project("a", "p"))]);
        assert!(!developer.may_grant(Role::GlobalDataAdmin, &project("a", "p")));
        assert!(!developer.may_grant(Role::Developer, &tenant("a")));
    }
}
