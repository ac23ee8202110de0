//! The roles (ROL-1 to ROL-7).

use crate::text_enum::text_enum;

text_enum! {
    /// What somebody is, within the scope of a grant.
    Role, "role", {
        /// ROL-7: tenants and workers; may do everything everywhere, so few people are it.
        PlatformAdmin = "platform_admin",
        /// ROL-7: everything within one tenant, with its users, quotas and templates.
        TenantAdmin = "tenant_admin",
        /// ROL-1: data sources; approves publish requests of databases.
        GlobalDataAdmin = "global_data_admin",
        /// ROL-2: business meta-models, tags and their publication.
        DataAssetAdmin = "data_asset_admin",
        /// ROL-3: business data and relations within permission.
        BusinessUser = "business_user",
        /// ROL-4: databases of a project; approves access to technical metadata.
        ProjectDataAdmin = "project_data_admin",
        /// ROL-5: technical metadata, plugins and jobs.
        Developer = "developer",
        /// ROL-6: what everybody may do: the catalog.
        Member = "member",
    }
}
