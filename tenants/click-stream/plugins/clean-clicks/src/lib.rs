//! Cleans web clicks: bots and malformed URLs are dropped and counted, the URL is normalised and taken apart, the user
//! agent is classified, and the click is put into its session bucket.

mod agent;
mod url;

use millrace_plugin::prelude::*;

etl_rows! {
    /// A click as the browser sent it.
    input Click<'a> {
        event_id: &'a str,
        user_id: Option<&'a str>,
        url: Option<&'a str>,
        referrer: Option<&'a str>,
        user_agent: Option<&'a str>,
        ts: i64,
    }

    /// A click that can be counted.
    output CleanClick<'a> {
        event_id: &'a str,
        user_id: &'a str,
        domain: String,
        path: String,
        campaign: Option<String>,
        referrer_domain: Option<String>,
        device: &'a str,
        session_bucket: TimestampLtz<3>,
        event_time: TimestampLtz<3>,
    }

    settings Cleaning {
        /// A user agent that contains one of these words, in any case, is a bot.
        bot_markers: Words = Words::from("bot,crawler,spider,headless,curl,wget"),
        /// Length of a session bucket.
        session_minutes: i64 = 30,
        /// Whom to count clicks without a user for.
        anonymous_user: String = "anonymous".to_owned(),
    }

    fn process(click: Click, cleaning: &Cleaning, out: &mut Emit<CleanClick>) -> Result<()> {
        if !(1..=1_440).contains(&cleaning.session_minutes) {
            bail!("parameter `session_minutes` is {}, expected 1 to 1440", cleaning.session_minutes);
        }
        let user_agent = click.user_agent.unwrap_or_default();
        if agent::is_bot(user_agent, &cleaning.bot_markers.0) {
            count("bots_dropped", 1);
            return Ok(());
        }
        let Some(page) = click.url.and_then(url::parse) else {
            count("malformed_urls_dropped", 1);
            return Ok(());
        };
        let event_time = TimestampLtz::from_epoch_ms(click.ts);
        out.emit(CleanClick {
            event_id: click.event_id,
            user_id: click.user_id.unwrap_or(&cleaning.anonymous_user),
            domain: page.domain(),
            path: page.normal_path(),
            campaign: page.query_value("utm_campaign"),
            referrer_domain: click.referrer.and_then(url::parse).map(|referrer| referrer.domain()),
            device: agent::device(user_agent),
            session_bucket: event_time.floor_ms(cleaning.session_minutes * 60_000),
            event_time,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{Harness, TestBatch};

    const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148";

    fn clicks(rows: &[(&str, &str)]) -> TestBatch {
        let column = |value: fn(&(&str, &str)) -> String| ColumnBuf::<str>::from_iter(rows.iter().map(value));
        let ids: Vec<String> = (0..rows.len()).map(|i| format!("e{i}")).collect();
        TestBatch::new()
            .required::<str>("event_id", ids)
            .optional::<str>("user_id", ColumnBuf::<str>::from_options(rows.iter().enumerate().map(|(i, _)| (i > 0).then_some("u1"))))
            .optional::<str>("url", column(|row| row.0.to_owned()))
            .optional::<str>("referrer", column(|_| "https://News.example/today?x=1".to_owned()))
            .optional::<str>("user_agent", column(|row| row.1.to_owned()))
            .required::<i64>("ts", vec![1_700_000_000_123; rows.len()])
    }

    #[test]
    fn clicks_are_cleaned_and_enriched() {
        let input = clicks(&[
            ("HTTPS://Shop.Example:443/a//b/../Tea%20pot/?utm_source=mail&utm_campaign=spring+sale#top", PHONE),
            ("http://shop.example?utm_campaign=", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140"),
        ]);
        let mut plugin = Harness::<Operator>::open(&input, &[("session_minutes", "15")]).expect("opens");
        assert_eq!(
            plugin.process(&input).expect("works").lines(),
            [
                "e0 | anonymous | shop.example | /a/Tea%20pot | spring sale | news.example | mobile | 2023-11-14 22:00:00.000Z | 2023-11-14 22:13:20.123Z",
                "e1 | u1 | shop.example | / | NULL | news.example | desktop | 2023-11-14 22:00:00.000Z | 2023-11-14 22:13:20.123Z",
            ]
        );
    }

    #[test]
    fn bots_and_malformed_urls_are_counted_and_dropped() {
        let input = clicks(&[("https://shop.example/", "Googlebot/2.1"), ("ht!tp:/nowhere", PHONE), ("https:///path", PHONE), ("", "")]);
        let mut plugin = Harness::<Operator>::open(&input, &[]).expect("opens");
        assert!(plugin.process(&input).expect("works").lines().is_empty());
        let counters = plugin.host().counters;
        assert_eq!((counters["bots_dropped"], counters["malformed_urls_dropped"]), (1, 3));
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let input = clicks(&[]);
        let error = Harness::<Operator>::open(&input, &[("session_minutes", "soon")]).err().expect("refused");
        assert_eq!(error.to_string(), "parameter `session_minutes` is `soon`, expected i64");
    }
}
