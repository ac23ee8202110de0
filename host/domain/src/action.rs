//! What can be done, and which roles may do it: the role × action matrix.
//!
//! Invariant: every endpoint that touches data names exactly one action; a new action does not compile before
//! [`permits`] and [`Action::token_scope`] know it. `snapshots/` holds the whole matrix as text.

use crate::{role::Role, text_enum::text_enum};

text_enum! {
    /// What a token may be used for; narrows what its owner's roles allow.
    TokenScope, "token scope", {
        /// To look.
        Read = "read",
        /// To change definitions: data sources, topics, plugins, jobs.
        Write = "write",
        /// To run: make real topics, create, start and stop instances, take savepoints.
        Operate = "operate",
        /// To manage tenants, projects and tokens.
        Administer = "administer",
    }
}

text_enum! {
    /// One thing that a caller can ask for; the word is also the action's name in the audit log.
    Action, "action", {
        /// See metrics of the whole installation.
        PlatformObserve = "platform.observe",
        /// Seal all secrets with a new key.
        KeyRotate = "key.rotate",
        /// Make a tenant.
        TenantCreate = "tenant.create",
        /// Change a tenant's description.
        TenantEdit = "tenant.edit",
        /// See that a tenant is there.
        TenantView = "tenant.view",
        /// Say what a tenant's plugins may do beyond computing.
        TenantGrant = "tenant.grant",
        /// See what a tenant's plugins may do at most.
        TenantGrantView = "tenant.grant_view",
        /// Make a project.
        ProjectCreate = "project.create",
        /// Change a project's description.
        ProjectEdit = "project.edit",
        /// Close a project for good (PRJ-2).
        ProjectArchive = "project.archive",
        /// See a project.
        ProjectView = "project.view",
        /// Make a data source.
        DataSourceCreate = "data_source.create",
        /// Change a data source.
        DataSourceEdit = "data_source.edit",
        /// Remove a data source.
        DataSourceDelete = "data_source.delete",
        /// Try to reach a data source.
        DataSourceTest = "data_source.test",
        /// Say how production reaches a data source.
        DataSourceBind = "data_source.bind",
        /// Look at what a data source has, to describe its tables.
        DataSourceSample = "data_source.sample",
        /// See a data source, without its secrets.
        DataSourceView = "data_source.view",
        /// Describe a topic.
        TopicCreate = "topic.create",
        /// Change a topic's description.
        TopicEdit = "topic.edit",
        /// Remove a topic's description; the real topic stays.
        TopicDelete = "topic.delete",
        /// Make the real topic, or check the one that is there.
        TopicEnsure = "topic.ensure",
        /// See a topic.
        TopicView = "topic.view",
        /// Say what a plugin may do beyond computing.
        PluginGrant = "plugin.grant",
        /// Upload a version of a plugin.
        PluginUpload = "plugin.upload",
        /// Remove a plugin, or a version of one, that nobody uses.
        PluginDelete = "plugin.delete",
        /// See plugins and their versions.
        PluginView = "plugin.view",
        /// Build a component from online code or JARs.
        BuildCreate = "build.create",
        /// End a build.
        BuildCancel = "build.cancel",
        /// See builds with their diagnostics and logs.
        BuildView = "build.view",
        /// Upload a version of a resource.
        ResourceUpload = "resource.upload",
        /// Remove a resource that nobody uses.
        ResourceDelete = "resource.delete",
        /// See, preview and download resources.
        ResourceView = "resource.view",
        /// Make a function of a project, or add a version to it.
        FunctionCreate = "function.create",
        /// Change what is said of a function, and its state.
        FunctionEdit = "function.edit",
        /// Remove a function that no job's version uses.
        FunctionDelete = "function.delete",
        /// Make, change and remove functions of the whole tenant.
        FunctionShare = "function.share",
        /// See functions.
        FunctionView = "function.view",
        /// Make, change and remove templates of one's own.
        TemplateEdit = "template.edit",
        /// Make templates visible to the whole tenant; change and remove those.
        TemplatePublish = "template.publish",
        /// See and fill templates.
        TemplateView = "template.view",
        /// Say how much of something a tenant may have.
        QuotaEdit = "quota.edit",
        /// See how much of it a tenant has.
        QuotaView = "quota.view",
        /// Make a job.
        JobCreate = "job.create",
        /// Change a job's draft.
        JobEdit = "job.edit",
        /// Remove a job.
        JobDelete = "job.delete",
        /// Make an immutable version of a job.
        JobSubmit = "job.submit",
        /// See and validate jobs and versions.
        JobView = "job.view",
        /// Make an instance of a version.
        InstanceCreate = "instance.create",
        /// Start an instance.
        InstanceStart = "instance.start",
        /// Stop an instance.
        InstanceStop = "instance.stop",
        /// See instances with their metrics, checkpoints and exceptions.
        InstanceView = "instance.view",
        /// Take a savepoint.
        SavepointCreate = "savepoint.create",
        /// Remove a savepoint.
        SavepointDelete = "savepoint.delete",
        /// Ask for a version's way to production, and withdraw that.
        ReleaseRequest = "release.request",
        /// Decide whether a version may go to production (RUN-2: the system administrator).
        ReleaseDecide = "release.decide",
        /// Give an approved release its resources and its production instance.
        ReleaseGoLive = "release.go_live",
        /// Take a release off production.
        ReleaseTakeOffline = "release.take_offline",
        /// See releases.
        ReleaseView = "release.view",
        /// Make a token.
        TokenCreate = "token.create",
        /// End a token.
        TokenRevoke = "token.revoke",
        /// See which tokens there are.
        TokenView = "token.view",
        /// Read the audit log.
        AuditView = "audit.view",

        // Approvals, databases, tables and data permissions.
        /// See approvals that concern the caller.
        ApprovalView = "approval.view",
        /// Decide approvals; each kind needs its own action besides.
        ApprovalDecide = "approval.decide",
        /// Take back a request of one's own.
        ApprovalWithdraw = "approval.withdraw",
        /// Make a database.
        DatabaseCreate = "database.create",
        /// Change a database.
        DatabaseEdit = "database.edit",
        /// Remove a database.
        DatabaseDelete = "database.delete",
        /// See databases.
        DatabaseView = "database.view",
        /// Ask for a database in the test or production environment.
        DatabasePublish = "database.publish",
        /// Agree to it, or not.
        DatabasePublishDecide = "database.publish_decide",
        /// Ask for a table in the test or production environment, or take it out again.
        TablePublish = "table.publish",
        /// Agree to it, or not.
        TablePublishDecide = "table.publish_decide",
        /// Ask for the right to use a table.
        PermissionApply = "permission.apply",
        /// Agree to it, or not.
        PermissionDecide = "permission.decide",
        /// Give and take rights to use a table.
        PermissionGrant = "permission.grant",
        /// See who may use a table.
        PermissionView = "permission.view",
        /// Open the catalog: what tables the tenant's projects have.
        CatalogView = "catalog.view",

        // Rows of data, unit tests, temp tables.
        /// Look at live rows of topics, and at what jobs would make of them.
        DataPreview = "data.preview",
        /// Look at the rows that pass in a running instance.
        InstanceTap = "instance.tap",
        /// Run a job on data packages.
        UnitTestRun = "unit_test.run",
        /// See unit tests with the rows that they made.
        UnitTestView = "unit_test.view",
        /// Say where a project keeps its temp tables.
        TempTableConfigure = "temp_table.configure",
        /// Make a temp table, say how long it keeps records.
        TempTableEdit = "temp_table.edit",
        /// Remove a temp table that nobody reads, with its records.
        TempTableDelete = "temp_table.delete",
        /// See temp tables with their writers and readers.
        TempTableView = "temp_table.view",

        // People.
        /// See, make and change users of the platform; see and end its tokens.
        PlatformUsers = "platform.users",
        /// Read the audit log of what belongs to no tenant.
        PlatformAudit = "platform.audit",
        /// Say with which identity providers users of the platform sign in.
        PlatformSignIn = "platform.sign_in",
        /// Find users of a tenant: to name one, to give them something.
        UserView = "user.view",
        /// Make a user of a tenant.
        UserCreate = "user.create",
        /// Change what is said of a user; disable and enable.
        UserEdit = "user.edit",
        /// Remove a user.
        UserDelete = "user.delete",
        /// Give a user a one-time password.
        UserResetPassword = "user.reset_password",
        /// See all roles of a user.
        RoleView = "role.view",
        /// Give and take roles.
        RoleGrant = "role.grant",
        /// See with which identity providers users of a tenant sign in.
        SignInView = "sign_in.view",
        /// Say with which identity providers users of a tenant sign in.
        SignInEdit = "sign_in.edit",
        /// See the members of a project with their roles.
        MemberView = "member.view",
        /// Give and take roles in a project.
        MemberEdit = "member.edit",
        /// See the services of a project with their configuration.
        ServiceView = "service.view",
        /// Add, reconfigure and remove services of a project.
        ServiceEdit = "service.edit",
        /// Say how much of the tenant's quotas a project may have.
        QuotaShare = "quota.share",
        // Business metadata and quality rules.
        /// Make, change and remove categories of business metadata (ROL-1).
        CategoryManage = "category.manage",
        /// Make, change and remove meta-models, name who manages their data, ask for their publication (ROL-2).
        MetaModelEdit = "meta_model.edit",
        /// Decide on the publication of a meta-model (ROL-1).
        MetaModelPublishDecide = "meta_model.publish_decide",
        /// Make, change and remove business data, ask for its publication (ROL-3).
        BusinessDataEdit = "business_data.edit",
        /// Decide on the publication of business data (ROL-2).
        BusinessDataPublishDecide = "business_data.publish_decide",
        /// Make, change and remove relations of metadata, ask for their publication (ROL-3, ROL-5).
        RelationEdit = "relation.edit",
        /// Decide on the publication of a relation (ROL-2).
        RelationPublishDecide = "relation.publish_decide",
        /// Make, change and remove tags (ROL-2).
        TagManage = "tag.manage",
        /// Put tags on things, and take them off.
        TagAttach = "tag.attach",
        /// Make, change and remove quality rules, ask for their publication (ROL-3, ROL-5).
        QualityRuleEdit = "quality_rule.edit",
        /// Decide on the publication of a quality rule (ROL-4).
        QualityRulePublishDecide = "quality_rule.publish_decide",
    }
}

/// Whether `role` may do `action`, within the scope of its grant. Both administrators are in every line that is theirs.
pub const fn permits(role: Role, action: Action) -> bool {
    use Action as A;
    use Role::{BusinessUser, DataAssetAdmin, Developer, GlobalDataAdmin, Member, PlatformAdmin, ProjectDataAdmin, TenantAdmin};
    match action {
        A::PlatformUsers | A::PlatformAudit | A::PlatformSignIn => matches!(role, PlatformAdmin),
        A::UserCreate
        | A::UserEdit
        | A::UserDelete
        | A::UserResetPassword
        | A::RoleView
        | A::RoleGrant
        | A::SignInView
        | A::SignInEdit
        | A::MemberEdit
        | A::ServiceEdit
        | A::QuotaShare => matches!(role, PlatformAdmin | TenantAdmin),
        // Everybody can say with whom they work, and whom something is for.
        A::UserView | A::MemberView | A::ServiceView => matches!(
            role,
            PlatformAdmin | TenantAdmin | GlobalDataAdmin | DataAssetAdmin | BusinessUser | ProjectDataAdmin | Developer | Member
        ),
        A::PlatformObserve | A::KeyRotate | A::TenantCreate | A::TenantGrant | A::QuotaEdit => matches!(role, PlatformAdmin),
        A::TenantEdit
        | A::TenantGrantView
        | A::PluginGrant
        | A::ProjectCreate
        | A::ProjectEdit
        | A::ProjectArchive
        | A::FunctionShare
        | A::TemplatePublish
        | A::ReleaseDecide
        | A::TokenCreate
        | A::TokenRevoke
        | A::TokenView
        | A::AuditView => matches!(role, PlatformAdmin | TenantAdmin),
        // ROL-6: every role opens the catalog and searches data.
        A::TenantView
        | A::ProjectView
        | A::TopicView
        | A::DatabaseView
        | A::ApprovalView
        | A::ApprovalWithdraw
        | A::PermissionApply
        | A::PermissionView
        | A::CatalogView => matches!(
            role,
            PlatformAdmin | TenantAdmin | GlobalDataAdmin | DataAssetAdmin | BusinessUser | ProjectDataAdmin | Developer | Member
        ),
        // ROL-1: manage data sources.
        A::DataSourceCreate | A::DataSourceEdit | A::DataSourceBind | A::DataSourceDelete => {
            matches!(role, PlatformAdmin | TenantAdmin | GlobalDataAdmin)
        }
        A::DataSourceTest | A::DataSourceSample | A::DataSourceView => {
            matches!(role, PlatformAdmin | TenantAdmin | GlobalDataAdmin | ProjectDataAdmin | Developer)
        }
        A::ApprovalDecide => matches!(role, PlatformAdmin | TenantAdmin | GlobalDataAdmin | DataAssetAdmin | ProjectDataAdmin),
        // ROL-1: approve publish requests of databases.
        A::DatabasePublishDecide => matches!(role, PlatformAdmin | TenantAdmin | GlobalDataAdmin),
        // ROL-4: approve, within the project, requests for access to technical metadata and for its publication; databases.
        A::TablePublishDecide
        | A::PermissionDecide
        | A::PermissionGrant
        | A::DatabaseCreate
        | A::DatabaseEdit
        | A::DatabaseDelete
        | A::DatabasePublish => matches!(role, PlatformAdmin | TenantAdmin | ProjectDataAdmin),
        // ROL-4 and ROL-5: databases and technical metadata.
        A::TopicCreate | A::TopicEdit | A::TopicDelete | A::TopicEnsure | A::TablePublish => {
            matches!(role, PlatformAdmin | TenantAdmin | ProjectDataAdmin | Developer)
        }
        A::PluginView
        | A::BuildView
        | A::ResourceView
        | A::FunctionView
        | A::TemplateView
        | A::QuotaView
        | A::JobView
        | A::TempTableView
        | A::InstanceView
        | A::ReleaseView => {
            matches!(role, PlatformAdmin | TenantAdmin | GlobalDataAdmin | ProjectDataAdmin | Developer)
        }
        // JOB-4: rows of data are more than descriptions of them.
        A::DataPreview | A::TempTableConfigure => matches!(role, PlatformAdmin | TenantAdmin | ProjectDataAdmin | Developer),
        A::PluginUpload
        | A::PluginDelete
        | A::BuildCreate
        | A::BuildCancel
        | A::ResourceUpload
        | A::ResourceDelete
        | A::FunctionCreate
        | A::FunctionEdit
        | A::FunctionDelete
        | A::TemplateEdit
        | A::JobCreate
        | A::JobEdit
        | A::JobDelete
        | A::JobSubmit
        | A::InstanceCreate
        | A::InstanceStart
        | A::InstanceStop
        | A::InstanceTap
        | A::UnitTestRun
        | A::UnitTestView
        | A::TempTableEdit
        | A::TempTableDelete
        | A::SavepointCreate
        | A::SavepointDelete
        | A::ReleaseRequest
        | A::ReleaseGoLive
        | A::ReleaseTakeOffline => matches!(role, PlatformAdmin | TenantAdmin | Developer),
        A::CategoryManage | A::MetaModelPublishDecide => matches!(role, PlatformAdmin | TenantAdmin | GlobalDataAdmin),
        A::MetaModelEdit | A::BusinessDataPublishDecide | A::RelationPublishDecide | A::TagManage => {
            matches!(role, PlatformAdmin | TenantAdmin | DataAssetAdmin)
        }
        A::BusinessDataEdit => matches!(role, PlatformAdmin | TenantAdmin | DataAssetAdmin | BusinessUser),
        A::RelationEdit | A::QualityRuleEdit => matches!(role, PlatformAdmin | TenantAdmin | BusinessUser | Developer),
        A::TagAttach => matches!(role, PlatformAdmin | TenantAdmin | DataAssetAdmin | BusinessUser | ProjectDataAdmin | Developer),
        A::QualityRulePublishDecide => matches!(role, PlatformAdmin | TenantAdmin | ProjectDataAdmin),
    }
}

impl Action {
    /// The token scope that this action needs.
    pub const fn token_scope(self) -> TokenScope {
        match self {
            Self::PlatformObserve
            | Self::TenantView
            | Self::TenantGrantView
            | Self::ProjectView
            | Self::DataSourceView
            | Self::TopicView
            | Self::PluginView
            | Self::BuildView
            | Self::ResourceView
            | Self::FunctionView
            | Self::TemplateView
            | Self::QuotaView
            | Self::JobView
            | Self::InstanceView
            | Self::ReleaseView
            | Self::TokenView
            | Self::DataPreview
            | Self::UnitTestView
            | Self::TempTableView
            | Self::AuditView
            | Self::ApprovalView
            | Self::DatabaseView
            | Self::PermissionView
            | Self::CatalogView
            | Self::PlatformAudit
            | Self::UserView
            | Self::RoleView
            | Self::SignInView
            | Self::MemberView
            | Self::ServiceView => TokenScope::Read,
            Self::DataSourceCreate
            | Self::DataSourceEdit
            | Self::DataSourceDelete
            | Self::DataSourceTest
            | Self::DataSourceBind
            | Self::DataSourceSample
            | Self::TopicCreate
            | Self::TopicEdit
            | Self::TopicDelete
            | Self::PluginUpload
            | Self::PluginDelete
            | Self::BuildCreate
            | Self::BuildCancel
            | Self::ResourceUpload
            | Self::ResourceDelete
            | Self::FunctionCreate
            | Self::FunctionEdit
            | Self::FunctionDelete
            | Self::FunctionShare
            | Self::TemplateEdit
            | Self::TemplatePublish
            | Self::JobCreate
            | Self::JobEdit
            | Self::JobDelete
            | Self::TempTableConfigure
            | Self::TempTableEdit
            | Self::TempTableDelete
            | Self::JobSubmit
            | Self::ApprovalWithdraw
            | Self::DatabaseCreate
            | Self::DatabaseEdit
            | Self::DatabaseDelete
            | Self::DatabasePublish
            | Self::TablePublish
            | Self::PermissionApply
            | Self::CategoryManage
            | Self::MetaModelEdit
            | Self::BusinessDataEdit
            | Self::RelationEdit
            | Self::TagManage
            | Self::TagAttach
            | Self::QualityRuleEdit => TokenScope::Write,
            Self::InstanceTap
            | Self::UnitTestRun
            | Self::TopicEnsure
            | Self::InstanceCreate
            | Self::InstanceStart
            | Self::InstanceStop
            | Self::SavepointCreate
            | Self::SavepointDelete
            | Self::ReleaseRequest
            | Self::ReleaseGoLive
            | Self::ReleaseTakeOffline => TokenScope::Operate,
            Self::TenantCreate
            | Self::KeyRotate
            | Self::TenantGrant
            | Self::PluginGrant
            | Self::TenantEdit
            | Self::ProjectCreate
            | Self::ProjectEdit
            | Self::ProjectArchive
            | Self::QuotaEdit
            | Self::ReleaseDecide
            | Self::TokenCreate
            | Self::TokenRevoke
            | Self::ApprovalDecide
            | Self::DatabasePublishDecide
            | Self::TablePublishDecide
            | Self::PermissionDecide
            | Self::PermissionGrant
            | Self::PlatformUsers
            | Self::PlatformSignIn
            | Self::UserCreate
            | Self::UserEdit
            | Self::UserDelete
            | Self::UserResetPassword
            | Self::RoleGrant
            | Self::SignInEdit
            | Self::MemberEdit
            | Self::ServiceEdit
            | Self::QuotaShare
            | Self::MetaModelPublishDecide
            | Self::BusinessDataPublishDecide
            | Self::RelationPublishDecide
            | Self::QualityRulePublishDecide => TokenScope::Administer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_matrix_of_roles_and_actions() {
        let mut table = format!("{:<20}{:<12}", "action", "token scope");
        for role in Role::ALL {
            write!(table, "{role:<20}").unwrap();
        }
        for &action in Action::ALL {
            write!(table, "\n{action:<20}{:<12}", action.token_scope()).unwrap();
            for &role in Role::ALL {
                write!(table, "{:<20}", if permits(role, action) { "yes" } else { "-" }).unwrap();
            }
        }
        let table = table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!("roles_and_actions", table);
    }

    /// The same matrix as a page for people, which `docs/` holds.
    fn page() -> String {
        const HEAD: &str = "# Roles and actions\n\nWho may do what, within the tenant or project of their grant. Written by the tests of \
            `host/domain/src/action.rs`\n(`INSTA_UPDATE=always cargo test -p millrace-domain --lib`); roles are those of `docs/guides/people-and-access.md`.\n\
            The *scope* is what a token needs besides; without the *service* a project answers `project.no_service`.\n";
        let mut page = String::from(HEAD);
        let mut object = "";
        for &action in Action::ALL {
            let (of, verb) = action.as_str().split_once('.').unwrap();
            if of != object {
                object = of;
                let service = crate::Service::of(action).map_or(String::new(), |service| format!(" (service `{service}`)"));
                write!(page, "\n## {of}{service}\n\n| action | scope |").unwrap();
                Role::ALL.iter().for_each(|role| write!(page, " {role} |").unwrap());
                write!(page, "\n|---|---|{}\n", "---|".repeat(Role::ALL.len())).unwrap();
            }
            write!(page, "| {verb} | {} |", action.token_scope()).unwrap();
            Role::ALL.iter().for_each(|&role| page.push_str(if permits(role, action) { " yes |" } else { " |" }));
            page.push('\n');
        }
        page
    }

    #[test]
    fn the_page_of_roles_and_actions_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/roles-and-actions.md");
        if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
            std::fs::write(path, page()).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == page(), "docs/roles-and-actions.md is old; run INSTA_UPDATE=always cargo test -p millrace-domain --lib");
    }

    #[test]
    fn words_round_trip() {
        for &action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(action));
        }
        let error = "owner".parse::<Role>().unwrap_err().to_string();
        assert!(error.starts_with("`owner` is not a role; expected one of platform_admin, "), "{error}");
    }
}
