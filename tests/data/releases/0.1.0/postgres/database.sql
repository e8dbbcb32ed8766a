--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: _sqlx_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);


--
-- Name: audit_checkpoints; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_checkpoints (
    seq bigint NOT NULL,
    hash text NOT NULL,
    at bigint NOT NULL,
    key_id text NOT NULL,
    seal text NOT NULL
);


--
-- Name: audit_entries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_entries (
    seq bigint NOT NULL,
    id text NOT NULL,
    phase text NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    request_id text NOT NULL,
    outcome text NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL,
    format bigint DEFAULT 1 NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    duration_us bigint
);


--
-- Name: commands; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.commands (
    id text NOT NULL,
    project_id text NOT NULL,
    caller_id text NOT NULL,
    channel text NOT NULL,
    command text NOT NULL,
    cwd text NOT NULL,
    allowed bigint NOT NULL,
    risk text NOT NULL,
    policy text NOT NULL,
    rule text NOT NULL,
    exit_code bigint,
    started_at bigint NOT NULL,
    duration_ms bigint,
    signal bigint,
    reason text,
    session text,
    changed text
);


--
-- Name: comments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.comments (
    id text NOT NULL,
    submission_id text NOT NULL,
    author_id text NOT NULL,
    path text,
    line bigint,
    body text NOT NULL,
    resolved_by text,
    resolved_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: deleted_projects; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.deleted_projects (
    id text NOT NULL,
    owner_id text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: disk_measures; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.disk_measures (
    project_id text NOT NULL,
    bytes bigint NOT NULL,
    measured_at bigint NOT NULL
);


--
-- Name: expired_jobs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.expired_jobs (
    directory text NOT NULL,
    id text NOT NULL,
    owner_id text NOT NULL,
    expired_at bigint NOT NULL
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    key text NOT NULL,
    request text NOT NULL,
    status bigint NOT NULL,
    body text NOT NULL,
    created_at bigint NOT NULL
);


--
-- Name: jobs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.jobs (
    id text NOT NULL,
    owner_id text NOT NULL,
    directory text NOT NULL,
    project_name text NOT NULL,
    status text NOT NULL,
    plan text,
    error text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    archive_bytes bigint,
    archive_blake3 text
);


--
-- Name: judgements; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.judgements (
    id text NOT NULL,
    at bigint NOT NULL,
    request text NOT NULL,
    allowed bigint NOT NULL,
    risk text NOT NULL,
    policy text NOT NULL,
    rule text NOT NULL,
    opinions text NOT NULL
);


--
-- Name: leases; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.leases (
    name text NOT NULL,
    holder text NOT NULL,
    until_at bigint NOT NULL
);


--
-- Name: model_spend; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.model_spend (
    day bigint NOT NULL,
    user_id text NOT NULL,
    project_id text NOT NULL,
    model text NOT NULL,
    project text NOT NULL,
    calls bigint NOT NULL,
    failed bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL
);


--
-- Name: network_lists; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.network_lists (
    project_id text NOT NULL,
    allow text NOT NULL,
    deny text NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: plugin_bindings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.plugin_bindings (
    id text NOT NULL,
    plugin text NOT NULL,
    project_id text,
    "position" bigint NOT NULL,
    mode text NOT NULL,
    on_error text NOT NULL,
    settings text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: plugin_components; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.plugin_components (
    digest text NOT NULL,
    part bigint NOT NULL,
    bytes text NOT NULL
);


--
-- Name: plugin_kv; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.plugin_kv (
    plugin text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    size_bytes bigint NOT NULL
);


--
-- Name: plugin_kv_owners; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.plugin_kv_owners (
    plugin text NOT NULL
);


--
-- Name: plugin_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.plugin_versions (
    name text NOT NULL,
    digest text NOT NULL,
    version text NOT NULL,
    source text NOT NULL,
    signed_by text,
    installed_by text NOT NULL,
    installed_at bigint NOT NULL
);


--
-- Name: plugins; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.plugins (
    name text NOT NULL,
    digest text NOT NULL,
    previous text,
    enabled bigint NOT NULL,
    judges bigint NOT NULL,
    grants text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: pool_entries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.pool_entries (
    project_id text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    claimed_at bigint,
    created_at bigint NOT NULL
);


--
-- Name: preview_labels; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.preview_labels (
    label text NOT NULL,
    project_id text NOT NULL
);


--
-- Name: preview_links; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.preview_links (
    id text NOT NULL,
    project_id text NOT NULL,
    creator_id text NOT NULL,
    fingerprint text NOT NULL,
    port bigint,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: preview_ports; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.preview_ports (
    project_id text NOT NULL,
    port bigint NOT NULL,
    host_port bigint NOT NULL
);


--
-- Name: processes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.processes (
    project_id text NOT NULL,
    command text NOT NULL,
    port bigint,
    restart text NOT NULL,
    desired text NOT NULL,
    started_at bigint NOT NULL
);


--
-- Name: projects; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.projects (
    id text NOT NULL,
    owner_id text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: quotas; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.quotas (
    user_id text NOT NULL,
    projects bigint,
    runtimes bigint,
    updated_at bigint NOT NULL,
    model_tokens bigint
);


--
-- Name: run_steps; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.run_steps (
    run_id text NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    event text NOT NULL
);


--
-- Name: runs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.runs (
    id text NOT NULL,
    project_id text NOT NULL,
    owner_id text NOT NULL,
    job_id text NOT NULL,
    agent text NOT NULL,
    prompt text NOT NULL,
    state text NOT NULL,
    error text,
    kind_open bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: runtimes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.runtimes (
    project_id text NOT NULL,
    engine text NOT NULL,
    desired text NOT NULL,
    status text NOT NULL,
    reason text,
    generation bigint NOT NULL,
    settings text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    started_at bigint,
    active_at bigint,
    active_by text,
    crashes bigint DEFAULT 0 NOT NULL,
    retry_at bigint
);


--
-- Name: settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.settings (
    name text NOT NULL,
    value text NOT NULL
);


--
-- Name: submissions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.submissions (
    id text NOT NULL,
    project_id text NOT NULL,
    author_id text NOT NULL,
    number bigint NOT NULL,
    message text NOT NULL,
    state text NOT NULL,
    digest text NOT NULL,
    files bigint NOT NULL,
    bytes bigint NOT NULL,
    left_out bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);


--
-- Name: terminal_tickets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.terminal_tickets (
    fingerprint text NOT NULL,
    project_id text NOT NULL,
    user_id text NOT NULL,
    role text NOT NULL,
    scope text NOT NULL,
    token_id text,
    valid_until bigint,
    valid_since bigint NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tokens (
    fingerprint text NOT NULL,
    id text NOT NULL,
    user_id text NOT NULL,
    purpose text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    name text DEFAULT ''::text NOT NULL,
    scope text DEFAULT 'admin'::text NOT NULL,
    parent text
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id text NOT NULL,
    role text NOT NULL,
    created_at bigint NOT NULL,
    removed_at bigint,
    valid_after bigint DEFAULT 0 NOT NULL
);


--
-- Name: verdicts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.verdicts (
    id text NOT NULL,
    submission_id text NOT NULL,
    author_id text NOT NULL,
    verdict text NOT NULL,
    body text NOT NULL,
    created_at bigint NOT NULL
);


--
-- Data for Name: _sqlx_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public._sqlx_migrations VALUES (1, 'first', '2026-11-22 08:51:08.935629+00', true, '\x17329181a4cc5cb6791b2cc72b9d8b27e9c29af44548d94e2d6e4ea16c1960adcd04e3f9b9f90b73378ddfe811d3d116', 164478769);
INSERT INTO public._sqlx_migrations VALUES (2, 'plugins', '2026-11-22 08:51:09.115045+00', true, '\x3ab80ba262b2f434407b7f4bf293a0749c6ef3e1c6a217c89da583c5d50a03c5c3dbb30f8347211a01b0cd9a23346663', 33067308);
INSERT INTO public._sqlx_migrations VALUES (3, 'plugin kv', '2026-11-22 08:51:09.147694+00', true, '\xad39dd89496ca492230f811a9aba1888e9c37aeb6d4205e25f3fee974e16af41c21958913fde96afe85e761e5ca37923', 18760730);
INSERT INTO public._sqlx_migrations VALUES (6, 'plugin components', '2026-11-22 08:51:09.172987+00', true, '\x885dc509fe69537e0c22e9ae4fd0cab2bda688a5d12009e8978160c451f76606af12fa6051f601c413fc72edc4d121be', 6424983);
INSERT INTO public._sqlx_migrations VALUES (10, 'runtime life', '2026-11-22 08:51:09.179794+00', true, '\x7db7542a65ea051d7e0c1b64c71fa3843ae9809120f0c988e3eca8c848cefe59d6fcadec20163022400831acf9829b88', 15720392);
INSERT INTO public._sqlx_migrations VALUES (11, 'runtime pool', '2026-11-22 08:51:09.197904+00', true, '\x61447a1e40b1ee3a7cbac535f74b27b4eb6cefbd8a25380eecd42c34fb803e5d8185dfd08e02e3c999ec2f3fc1e05896', 11669729);
INSERT INTO public._sqlx_migrations VALUES (12, 'network lists', '2026-11-22 08:51:09.210615+00', true, '\xba381ed672906baa94ce82aaa512c3b4fe3d313c0c21f8bf83ddd770257b9200df1d8803f06e06e9abbdc1b1543eb105', 26449299);
INSERT INTO public._sqlx_migrations VALUES (20, 'previews', '2026-11-22 08:51:09.238167+00', true, '\xbbd9b626515632ca3e36bc5ff3329a3ce1bf22aa22a01b39c971b9bcc8c7b7df673179c505f3aa7cee755498b8925108', 44610253);
INSERT INTO public._sqlx_migrations VALUES (30, 'people', '2026-11-22 08:51:09.286913+00', true, '\xa126bd1232b80c0b5be1b5662721ac8d0cbcde67d21686e34f9f18ee68c8efc7097fc84ec96540ce1706484e51ca2d01', 12747356);
INSERT INTO public._sqlx_migrations VALUES (40, 'deleted projects', '2026-11-22 08:51:09.303276+00', true, '\x86af0e3a61ea6e1bfd3a89db27bc03d5de8e2697e2c2ff94e0342d8a84296965c4e9971cbf9e260fe6db4e10b77ad17d', 17297672);
INSERT INTO public._sqlx_migrations VALUES (50, 'terminal tickets', '2026-11-22 08:51:09.323155+00', true, '\x1375fcab321eb4f583bfdbafcd4b19456cd3a62d0f574f3d62df5b760d5cf9c2f3404e507e7d831e1d53107ad89333d0', 18772261);
INSERT INTO public._sqlx_migrations VALUES (51, 'execs', '2026-11-22 08:51:09.338452+00', true, '\xf13154cd655396167e2ca2014272214e9f3459cff31f516af846671205be6ba11d3a092a1b905e64b72fd69fe3ae19ae', 2375409);
INSERT INTO public._sqlx_migrations VALUES (52, 'job archives', '2026-11-22 08:51:09.340138+00', true, '\x8dc930ee22a9bcb6b661ffcd911fc1612b8721df2c0c1ccdeef4668cc1f3ed75b1676b426b92ec40d0df753e88255f25', 7944280);
INSERT INTO public._sqlx_migrations VALUES (53, 'old commands', '2026-11-22 08:51:09.348243+00', true, '\x50702fa16022c7c734bc58723f308949f39626bede823cbe2c4454e38d7d7be3eff0385922f04c53e1c0347021970e1d', 1472058);
INSERT INTO public._sqlx_migrations VALUES (60, 'audit', '2026-11-22 08:51:09.350086+00', true, '\x819278aacfec428709229608e3cff9acc1fed868dd1c17793495fe7d4e7757e3d339eb0efb142a46217556b12ed511cb', 4944348);
INSERT INTO public._sqlx_migrations VALUES (61, 'disk measures', '2026-11-22 08:51:09.355479+00', true, '\xe9976e210cdc400685ec1bd136723dfff396409f8fc02bb243159da8fd372893ce1a9b3ef850dfdec81708cdd4039dc1', 8433742);
INSERT INTO public._sqlx_migrations VALUES (62, 'quotas', '2026-11-22 08:51:09.364029+00', true, '\x5dde510c0547ac63bedd1e32afd79aefb47b505e43f6bc06b73cb0a18d8dc81617e26724cd0fa94ad20d3fd0d392c19d', 3816139);
INSERT INTO public._sqlx_migrations VALUES (70, 'reviews', '2026-11-22 08:51:09.368562+00', true, '\x81f18a4b336eced32ccdb68e293c2ce4805e7bfebcf2fd78bfef0e65703de54357d989e75582ceb0b31f52672892431c', 16317251);
INSERT INTO public._sqlx_migrations VALUES (71, 'model spend', '2026-11-22 08:51:09.392047+00', true, '\xc1b74e4ad5077139b4c6af44ade31a7952ea33faab11599177a9f5add3feaa61a58cb6fa97ef3742576bb5d98d66354c', 12120979);
INSERT INTO public._sqlx_migrations VALUES (72, 'model quota', '2026-11-22 08:51:09.401877+00', true, '\xba55a3964c84bd54f9e1cdf033f78a08ba64ef2cf2b2355d2bf5c20d0069385e4f41752787ea8d67801182f2aab717be', 1057283);


--
-- Data for Name: audit_checkpoints; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: audit_entries; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_entries VALUES (1, '01a20273c36f736ba1071fab916bbb20', 'begun', 1795337470831096, 'admin', 'plugin.grant', 'installation', '01a20273c3617026b564ab77a306271f', '', 'lockhouse', '2fc0e600e8df1427f8455a581d1cebf3df15a2e48a2a3129d37649cea4af4bca', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (2, '01a20273c36f736ba1071fab916bbb20', 'finished', 1795337471325354, 'admin', 'plugin.grant', 'installation', '01a20273c3617026b564ab77a306271f', 'ok; model-agent is granted: model/default', '2fc0e600e8df1427f8455a581d1cebf3df15a2e48a2a3129d37649cea4af4bca', '93593020a6038ccd776ba8af9bce991345e384a955af2a3f71687260ab073f02', 2, '127.0.0.1', '', 494258);
INSERT INTO public.audit_entries VALUES (3, '01a20273c56476bdae47fc32f0efe795', 'begun', 1795337471332730, 'admin', 'user.create', 'installation', '01a20273c56476bdae47fc31ca6182b9', '', '93593020a6038ccd776ba8af9bce991345e384a955af2a3f71687260ab073f02', 'e1ac390d045a68209ce1bf91d866eb511b3e6edc359ee15a522a004e771417b9', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (4, '01a20273c56476bdae47fc32f0efe795', 'finished', 1795337471388903, 'admin', 'user.create', 'installation', '01a20273c56476bdae47fc31ca6182b9', 'ok; user/ada', 'e1ac390d045a68209ce1bf91d866eb511b3e6edc359ee15a522a004e771417b9', 'ee13d2aaa1c688f82e75eea1c8f94f07ccb4cb9a81f3eadcf67defa4826ef1be', 2, '127.0.0.1', '', 56173);
INSERT INTO public.audit_entries VALUES (5, '01a20273c5a97647a6eab665899aed22', 'begun', 1795337471401086, 'admin', 'token.create', 'installation', '01a20273c5a87728867259e052f316a9', '', 'ee13d2aaa1c688f82e75eea1c8f94f07ccb4cb9a81f3eadcf67defa4826ef1be', '5a1b4ca35d4da1e0916bbd11aaa13f7f608f040fbc2d7e1a4de1b24faee31ccb', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (6, '01a20273c5a97647a6eab665899aed22', 'finished', 1795337471487265, 'admin', 'token.create', 'installation', '01a20273c5a87728867259e052f316a9', 'ok; user/ada', '5a1b4ca35d4da1e0916bbd11aaa13f7f608f040fbc2d7e1a4de1b24faee31ccb', '849f02bd2d35fd5b3823987349851e6f2d9f58b2c437275fbc730322f9c2db9c', 2, '127.0.0.1', '', 86179);
INSERT INTO public.audit_entries VALUES (7, '01a20273c60f7623a9e70661975dd9d8', 'begun', 1795337471503831, 'admin', 'user.create', 'installation', '01a20273c60f7623a9e706604e2e7df4', '', '849f02bd2d35fd5b3823987349851e6f2d9f58b2c437275fbc730322f9c2db9c', '7dcf8556b69a1a032775be10c69303fb655dbcb75d23d05586d1fb50ee400955', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (8, '01a20273c60f7623a9e70661975dd9d8', 'finished', 1795337471615539, 'admin', 'user.create', 'installation', '01a20273c60f7623a9e706604e2e7df4', 'ok; user/rex', '7dcf8556b69a1a032775be10c69303fb655dbcb75d23d05586d1fb50ee400955', 'f4e79f1ff2db149238c514424b3b1040009dce464270892cf34a7e6932c6a649', 2, '127.0.0.1', '', 111708);
INSERT INTO public.audit_entries VALUES (9, '01a20273c68370c1934ac99d9247a688', 'begun', 1795337471619999, 'admin', 'token.create', 'installation', '01a20273c68370c1934ac99c6a405dc5', '', 'f4e79f1ff2db149238c514424b3b1040009dce464270892cf34a7e6932c6a649', 'fafede9d901b77f8acde26dfddf2b99ab2b254e4fa6e0c1a335e70e733f3b430', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (10, '01a20273c68370c1934ac99d9247a688', 'finished', 1795337471649394, 'admin', 'token.create', 'installation', '01a20273c68370c1934ac99c6a405dc5', 'ok; user/rex', 'fafede9d901b77f8acde26dfddf2b99ab2b254e4fa6e0c1a335e70e733f3b430', '5161f22ebf45323b836ee303f26c1468271fb9d863beb1c547b67fcbb9732f7b', 2, '127.0.0.1', '', 29395);
INSERT INTO public.audit_entries VALUES (11, '01a20273c6b171f5867bf2470fc74c5b', 'begun', 1795337471665532, 'admin', 'user.create', 'installation', '01a20273c6b074d588b097006237e1ee', '', '5161f22ebf45323b836ee303f26c1468271fb9d863beb1c547b67fcbb9732f7b', '1d3a341906345a7f410538024519c424a4cf834d3f9794691f124a94243626b3', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (12, '01a20273c6b171f5867bf2470fc74c5b', 'finished', 1795337471684625, 'admin', 'user.create', 'installation', '01a20273c6b074d588b097006237e1ee', 'ok; user/eve', '1d3a341906345a7f410538024519c424a4cf834d3f9794691f124a94243626b3', '3fb369d35ac9fa883851d50a0ac9adfe46319ec1a95456337168b1857bcf7ded', 2, '127.0.0.1', '', 19093);
INSERT INTO public.audit_entries VALUES (13, '01a20273c6c8745488d1dd88e3394450', 'begun', 1795337471688656, 'admin', 'token.create', 'installation', '01a20273c6c8745488d1dd8751b7fabb', '', '3fb369d35ac9fa883851d50a0ac9adfe46319ec1a95456337168b1857bcf7ded', 'c901047826e7907c466533e34cb136171697a27ca3cb832fed919af9781ee873', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (14, '01a20273c6c8745488d1dd88e3394450', 'finished', 1795337471711226, 'admin', 'token.create', 'installation', '01a20273c6c8745488d1dd8751b7fabb', 'ok; user/eve', 'c901047826e7907c466533e34cb136171697a27ca3cb832fed919af9781ee873', 'c1a9a449b5fc55937a9da3670ceff28bcacfe6733bd4515d086f515d526ead86', 2, '127.0.0.1', '', 22570);
INSERT INTO public.audit_entries VALUES (15, '01a20273c6e073c78f83c2b6c31123c4', 'begun', 1795337471712935, 'admin', 'user.remove', 'installation', '01a20273c6e073c78f83c2b5c3fd1317', '', 'c1a9a449b5fc55937a9da3670ceff28bcacfe6733bd4515d086f515d526ead86', '8e1032cdbae662688397c56fa1dcfda44c1c1d556e3915ede9e1abf394256eba', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (16, '01a20273c6e073c78f83c2b6c31123c4', 'finished', 1795337471745874, 'admin', 'user.remove', 'installation', '01a20273c6e073c78f83c2b5c3fd1317', 'ok; user/eve', '8e1032cdbae662688397c56fa1dcfda44c1c1d556e3915ede9e1abf394256eba', 'c5bfcbb51b54398f21d19b869cef4132229c4ebd0714d8b10de0f1f515957a6a', 2, '127.0.0.1', '', 32939);
INSERT INTO public.audit_entries VALUES (17, '01a20273c70d7131b793ea8ac7521215', 'begun', 1795337471757030, 'admin', 'quota.set', 'installation', '01a20273c70373ab817b01dfe3692d81', '', 'c5bfcbb51b54398f21d19b869cef4132229c4ebd0714d8b10de0f1f515957a6a', '82b4fecd8b2b77981f3f908ccbc2dde794e0061a0fed65130682df1f64fd7d8f', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (18, '01a20273c70d7131b793ea8ac7521215', 'finished', 1795337471784347, 'admin', 'quota.set', 'installation', '01a20273c70373ab817b01dfe3692d81', 'ok; user/ada', '82b4fecd8b2b77981f3f908ccbc2dde794e0061a0fed65130682df1f64fd7d8f', 'efc19f9180003000d09b94dc2fa9107d7c9fcc19d59173ef5af556af470ec292', 2, '127.0.0.1', '', 27317);
INSERT INTO public.audit_entries VALUES (19, '01a20273c72b702782bc07b15b5649b4', 'begun', 1795337471787820, 'admin', 'plugin.install', 'installation', '01a20273c72b702782bc07b0d407d9f8', '', 'efc19f9180003000d09b94dc2fa9107d7c9fcc19d59173ef5af556af470ec292', '7f9e491b42390d3b471f196bcd0c1eed145ef581a7dffcba4c9c5d0bff8e5124', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (20, '01a20273c72b702782bc07b15b5649b4', 'finished', 1795337472156020, 'admin', 'plugin.install', 'installation', '01a20273c72b702782bc07b0d407d9f8', 'ok', '7f9e491b42390d3b471f196bcd0c1eed145ef581a7dffcba4c9c5d0bff8e5124', '0ee76000b18d59ab0382cd79c4d57c46b56f38ffdf4b4ce2c7f75533f6a9e5a0', 2, '127.0.0.1', '', 368200);
INSERT INTO public.audit_entries VALUES (21, '01a20273c8f075a9941e4ce5bd5d2d89', 'begun', 1795337472240344, 'admin', 'project.create', 'project/lab', '01a20273c8df77a2bc450a510c5a7f22', '', '0ee76000b18d59ab0382cd79c4d57c46b56f38ffdf4b4ce2c7f75533f6a9e5a0', '52c2a502246c9aff079f28d329badb6f9efbd7734b84d5c3ed243979db82527a', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (22, '01a20273c8f075a9941e4ce5bd5d2d89', 'finished', 1795337472259024, 'admin', 'project.create', 'project/lab', '01a20273c8df77a2bc450a510c5a7f22', 'ok', '52c2a502246c9aff079f28d329badb6f9efbd7734b84d5c3ed243979db82527a', '9d6b6ed0d0fd10ebd376c69945a64032e6b5d973f9396dd3dec61149e55c095c', 2, '127.0.0.1', '', 18680);
INSERT INTO public.audit_entries VALUES (23, '01a20273c9037584a146d769c1b8d2b9', 'begun', 1795337472259157, 'admin', 'runtime.create', 'project/lab', '01a20273c8df77a2bc450a510c5a7f22', '', '9d6b6ed0d0fd10ebd376c69945a64032e6b5d973f9396dd3dec61149e55c095c', 'bd0e90e89531e0aca6e9bbfc912a5b5579464f1124233e845a42ad20d2ef79bd', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (24, '01a20273c9037584a146d769c1b8d2b9', 'finished', 1795337473853531, 'admin', 'runtime.create', 'project/lab', '01a20273c8df77a2bc450a510c5a7f22', 'ok', 'bd0e90e89531e0aca6e9bbfc912a5b5579464f1124233e845a42ad20d2ef79bd', '61bf5fc74c021c71f38163caf05266ba7b09d337384cf100fbb4959788ac4578', 2, '127.0.0.1', '', 1594374);
INSERT INTO public.audit_entries VALUES (25, '01a20273cf4a704b9ad1feb0bea2197f', 'begun', 1795337473866230, 'admin', 'binding.create', 'installation', '01a20273cf4777d8aad042b5d5141c25', '', '61bf5fc74c021c71f38163caf05266ba7b09d337384cf100fbb4959788ac4578', 'adf23cbdfe780f4331d9dc2b6790c8b0e1477ed8e68e32f4157aaee36ea8f654', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (26, '01a20273cf4a704b9ad1feb0bea2197f', 'finished', 1795337474041393, 'admin', 'binding.create', 'installation', '01a20273cf4777d8aad042b5d5141c25', 'ok', 'adf23cbdfe780f4331d9dc2b6790c8b0e1477ed8e68e32f4157aaee36ea8f654', '4deea3ee34918f190035362984be8fc797860319555e68ffe4962f32ff388145', 2, '127.0.0.1', '', 175163);
INSERT INTO public.audit_entries VALUES (27, '01a20273cffc76e7bb41af1e3d8da835', 'begun', 1795337474044280, 'admin', 'file.write', 'project/lab/src/a.py', '01a20273cffa772da8b5c13357684653', '', '4deea3ee34918f190035362984be8fc797860319555e68ffe4962f32ff388145', '5cf24278b941071193640d670d8d2652718402f1ba45e816ea34ca9875e21d7e', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (60, '01a2027410c976049264baab86a10295', 'finished', 1795337490635449, 'admin', 'file.write', 'project/old/kept.txt', '01a2027410c872fd84f9dd124cb075d8', 'ok', '0be7f0f87810b719ece7563bc25af9db66eabbd75a0fb1f50c97c8ba70c2e1b6', 'c0ab3011bfec531efd9372acca153cda36436a33954cd2467a61f4e86accaca8', 2, '127.0.0.1', '', 2174);
INSERT INTO public.audit_entries VALUES (61, '01a2027410cd76fc9899fcc8430cf1c7', 'begun', 1795337490637213, 'admin', 'project.delete', 'project/old', '01a2027410cc759697a43bf6df619e71', '', 'c0ab3011bfec531efd9372acca153cda36436a33954cd2467a61f4e86accaca8', 'dc3adce2e07aaec28e9ae6398c9134479d735833b29700a832b840b22e269177', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (28, '01a20273cffc76e7bb41af1e3d8da835', 'finished', 1795337474053141, 'admin', 'file.write', 'project/lab/src/a.py', '01a20273cffa772da8b5c13357684653', 'ok', '5cf24278b941071193640d670d8d2652718402f1ba45e816ea34ca9875e21d7e', '6059b65ed9c825ed32da86b18ff3d784e9c756d1b2bf05141bd040bf4d013388', 2, '127.0.0.1', '', 8861);
INSERT INTO public.audit_entries VALUES (29, '01a20273d008728a8c26b0e7d3fc0667', 'begun', 1795337474056713, 'admin', 'exec.start', 'project/lab', '01a20273d00676ee9c1da11ef0d1bcac', '', '6059b65ed9c825ed32da86b18ff3d784e9c756d1b2bf05141bd040bf4d013388', '33185183546f9ae4a4b77fc0b3477d3fd5f3bc6d5bdde8ff0fe570b907791c4f', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (30, '01a20273d008728a8c26b0e7d3fc0667', 'finished', 1795337474332670, 'admin', 'exec.start', 'project/lab', '01a20273d00676ee9c1da11ef0d1bcac', 'ok', '33185183546f9ae4a4b77fc0b3477d3fd5f3bc6d5bdde8ff0fe570b907791c4f', 'b68290fb4e9948324d544ca3fc90318b89e7f8376e56fc2a56410cc4e93ae74d', 2, '127.0.0.1', '', 275957);
INSERT INTO public.audit_entries VALUES (31, '01a20273d1207401806e1764c5681341', 'begun', 1795337474336470, 'admin', 'exec.start', 'project/lab', '01a20273d11e73c294392ecf98d04881', '', 'b68290fb4e9948324d544ca3fc90318b89e7f8376e56fc2a56410cc4e93ae74d', '9f09fdefe906f228b411885d03ce13a89d9973904fd94613628f9dfd94406ef6', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (32, '01a20273d1207401806e1764c5681341', 'finished', 1795337474363935, 'admin', 'exec.start', 'project/lab', '01a20273d11e73c294392ecf98d04881', 'ok', '9f09fdefe906f228b411885d03ce13a89d9973904fd94613628f9dfd94406ef6', '737c504192a48402725649342f4b5c4d156d1f9eb11982ceac160cd2d395cf46', 2, '127.0.0.1', '', 27465);
INSERT INTO public.audit_entries VALUES (33, '01a20273d13e7341b81ff7bbe69e203f', 'begun', 1795337474366976, 'admin', 'exec.start', 'project/lab', '01a20273d13d714e972789669da83ac7', '', '737c504192a48402725649342f4b5c4d156d1f9eb11982ceac160cd2d395cf46', '7924c4c8fec71e2628cd1ee6e0762a55d2ce882b01ab2d754f4960938eb4690a', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (34, '01a20273d13e7341b81ff7bbe69e203f', 'finished', 1795337474376647, 'admin', 'exec.start', 'project/lab', '01a20273d13d714e972789669da83ac7', '`rm /` would destroy the whole file system.', '7924c4c8fec71e2628cd1ee6e0762a55d2ce882b01ab2d754f4960938eb4690a', '21ac9a5ac614c5fac14d1d3bb32e6e33abee61801439eef6d41e328a3773d387', 2, '127.0.0.1', '', 9671);
INSERT INTO public.audit_entries VALUES (40, '01a20273d1a3763da95caf06e19ebf62', 'finished', 1795337474513199, 'admin', 'terminal.open', 'project/lab', '01a20273d1a27537841b88557076cbeb', 'ok', '2148f2ea5b39e94a3cb799fbf585fb737b8717cf012c0f652b6f79e0bc2f3210', 'bffe69d4c040c9b12ad3d2827d68df1e420c4e65d245bc64e7fe11729774340d', 2, '127.0.0.1', '', 45552);
INSERT INTO public.audit_entries VALUES (44, '01a20274108674028c421be88681efa9', 'finished', 1795337490570592, 'admin', 'preview.share', 'project/lab', '01a2027410767367a7b2a51b3975c6ce', 'ok', 'e1457001d2bc591ca413f1467a006a7d9503fc3a331512486ad85750d7e3dbbb', 'fd40fc08006d96fd8b590111bf5b83dac1cb59903ac72da463aa1f4874f2e09a', 2, '127.0.0.1', '', 3941);
INSERT INTO public.audit_entries VALUES (45, '01a20274108e772f840ef87ff9491cf7', 'begun', 1795337490574474, 'admin', 'job.create', 'job/mine', '01a20274108e772f840ef87ed093f265', '', 'fd40fc08006d96fd8b590111bf5b83dac1cb59903ac72da463aa1f4874f2e09a', '35c5ace57be312761f8a1402b3ba45a6af5f4eca7c4c981a3347b074f76f0b06', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (54, '01a2027410b67112bbadec4b46346331', 'finished', 1795337490621470, 'admin', 'job.create', 'job/broken', '01a2027410b5760f9c50868c36a1db27', 'ok', '682cc80373bc05ac7dc80a3a137c36d17d6104c97f9e658a7749603a1ee675f8', 'a7500288d65e4fe9eb7db2bf99bd0bfd6a44c37805a97c3caada2c67d8c0ff66', 2, '127.0.0.1', '', 7175);
INSERT INTO public.audit_entries VALUES (55, '01a2027410bf71288dbb6afa856ce269', 'begun', 1795337490623368, 'admin', 'job.fail', 'job/broken', '01a2027410be7447986e7ece8c22b91d', '', 'a7500288d65e4fe9eb7db2bf99bd0bfd6a44c37805a97c3caada2c67d8c0ff66', '218421bf1383e282f114205ee3e665cf4b130f86be35f113ed7f7a06fe247e7d', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (68, '01a2027410f777eb9701739705b75fc8', 'finished', 1795337490702112, 'ada', 'submission.create', 'project/todo', '01a2027410f177b8a2d77c3c8a439b03', 'ok', '4d7e3ec382e5babb14c86c3edd99d0f74d755792332e0cfe7e44c7525605ba36', '344b761eae2b61668d61657666caba08a0b3f5a8df3923d15b5f6bbcc99f548f', 2, '127.0.0.1', '', 22539);
INSERT INTO public.audit_entries VALUES (69, '01a202741111731aac2d23407eeedef2', 'begun', 1795337490705171, 'rex', 'comment.create', 'submission/01a2027410fa770da3279eb1f42057b5', '01a20274110f72db9f7c212adea435f1', '', '344b761eae2b61668d61657666caba08a0b3f5a8df3923d15b5f6bbcc99f548f', 'd83f5c7279db9df79d6330bc7f79c2166c27dc2d962ceaeb8cf9d5c3c4eb2b23', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (35, '01a20273d1597071afc8bcb81b9ee20a', 'begun', 1795337474393476, 'admin', 'exec.start', 'project/lab', '01a20273d14a77b18cd4df466485d4cf', '', '21ac9a5ac614c5fac14d1d3bb32e6e33abee61801439eef6d41e328a3773d387', 'ac73894eb33027c4a6e7872fb40438ccc0fdd62370cf4682b5d65e5095e4246d', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (48, '01a2027410957410b3c0a396738f2b2f', 'finished', 1795337490583312, 'admin', 'job.plan', 'job/mine', '01a202741093773a937c7fc9eb8c0873', 'ok', '218443356f97ec7f03178cae9232600d297bc7f78562f339f0fa6fb84632a2b9', '8739819d0732511fb2f05b95499c42c6bcbe82ed6dde35f9417ed74e2451d18c', 2, '127.0.0.1', '', 2200);
INSERT INTO public.audit_entries VALUES (49, '01a2027410997090b9fa67ed740e8bb4', 'begun', 1795337490585038, 'admin', 'job.write', 'job/mine', '01a202741097725a9c49b0ca3d1966e8', '', '8739819d0732511fb2f05b95499c42c6bcbe82ed6dde35f9417ed74e2451d18c', 'cc77d89d71a51f5f03eca4f451ffd5d61a63d1e7e992f843a866dd90f44baab1', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (64, '01a2027410db72ff90bdd0527cad41e2', 'finished', 1795337490654566, 'ada', 'project.create', 'project/todo', '01a2027410d8767890366f04fec8984d', 'ok', 'b624f4cdb49091d5154e3bcdce29d3b6f5d8720e50a4d3fef89f3132435e543e', 'fa9c7b1fb4d517c4df0447eb0512ea1cbe479352f89078b378e6f4dfe7022978', 2, '127.0.0.1', '', 2805);
INSERT INTO public.audit_entries VALUES (65, '01a2027410e07664915609387585da65', 'begun', 1795337490656453, 'ada', 'file.write', 'project/todo/a.py', '01a2027410df7330bea4d20db08abbaa', '', 'fa9c7b1fb4d517c4df0447eb0512ea1cbe479352f89078b378e6f4dfe7022978', '0e4773c58b5dd048d3dd3a3cbe5ea68398d0bbfe1e0dfef459c73472ce9b0b07', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (74, '01a2027411237386b98684559b440ccd', 'finished', 1795337490726194, 'admin', 'project.create', 'project/greeter', '01a20274111d76f3b5a3a1045cfcdfb8', 'ok', 'e9d9f30c2b96b7927db8921db12ad854a5b448f02282a1f4aafb90edfe45fc2b', 'd3bf2c04a6d56537cc229ff64e2566509ad3bf42da8d1d8ad0ffb2808ed66a06', 2, '127.0.0.1', '', 2819);
INSERT INTO public.audit_entries VALUES (75, '01a20274112675bcaa519048f7fbe562', 'begun', 1795337490726251, 'admin', 'run.start', 'project/greeter', '01a20274111d76f3b5a3a1045cfcdfb8', '', 'd3bf2c04a6d56537cc229ff64e2566509ad3bf42da8d1d8ad0ffb2808ed66a06', '2a54ca2432017bfcc057aeb2a99abc4f007999c09d3fdcf3049751bf8b4a1323', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (36, '01a20273d1597071afc8bcb81b9ee20a', 'finished', 1795337474423334, 'admin', 'exec.start', 'project/lab', '01a20273d14a77b18cd4df466485d4cf', 'ok', 'ac73894eb33027c4a6e7872fb40438ccc0fdd62370cf4682b5d65e5095e4246d', '5dc6674aea2a295afba1d50db4a5448fd9cc1ab4ce90b8069754127add8e371c', 2, '127.0.0.1', '', 29858);
INSERT INTO public.audit_entries VALUES (37, '01a20273d17c72db8305b8ee25db498f', 'begun', 1795337474428660, 'admin', 'process.start', 'project/lab', '01a20273d17b740683350da76d682917', '', '5dc6674aea2a295afba1d50db4a5448fd9cc1ab4ce90b8069754127add8e371c', '4bd381fa51f20b4d13a7e82c1ea1a261eb68d2c0a583914fc71aa3b02c6935b8', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (43, '01a20274108674028c421be88681efa9', 'begun', 1795337490566651, 'admin', 'preview.share', 'project/lab', '01a2027410767367a7b2a51b3975c6ce', '', '099595a6654265e8e56ef2bdb7bd2efa32c60e2c1fb576ad5ce0adcd978cbb07', 'e1457001d2bc591ca413f1467a006a7d9503fc3a331512486ad85750d7e3dbbb', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (50, '01a2027410997090b9fa67ed740e8bb4', 'finished', 1795337490607522, 'admin', 'job.write', 'job/mine', '01a202741097725a9c49b0ca3d1966e8', 'ok', 'cc77d89d71a51f5f03eca4f451ffd5d61a63d1e7e992f843a866dd90f44baab1', '143f369604816013368cda1b5cb7bd643dbe9cd47cf113de16d22457fd3ab250', 2, '127.0.0.1', '', 22484);
INSERT INTO public.audit_entries VALUES (51, '01a2027410b2749297c09539721118da', 'begun', 1795337490610431, 'admin', 'job.complete', 'job/mine', '01a2027410b0778589701a0aee7c2a49', '', '143f369604816013368cda1b5cb7bd643dbe9cd47cf113de16d22457fd3ab250', '289ccf218988e2aa68d24e821e2e95103ae794fd1561cd2689ccdcd5d2583805', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (58, '01a2027410c27259bab23cb84596591f', 'finished', 1795337490631392, 'admin', 'project.create', 'project/old', '01a2027410c17396b97c4a836cdb4c78', 'ok', '6c88e84262b3b7bc0d6fa4e2497f6a1d5141a85036ef668b215fc4dd956a456c', '7c263c434e3d385ac7cba0da119d1a7eb8c71756a90b7002d326fe38a9a2d1dd', 2, '127.0.0.1', '', 4894);
INSERT INTO public.audit_entries VALUES (59, '01a2027410c976049264baab86a10295', 'begun', 1795337490633275, 'admin', 'file.write', 'project/old/kept.txt', '01a2027410c872fd84f9dd124cb075d8', '', '7c263c434e3d385ac7cba0da119d1a7eb8c71756a90b7002d326fe38a9a2d1dd', '0be7f0f87810b719ece7563bc25af9db66eabbd75a0fb1f50c97c8ba70c2e1b6', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (66, '01a2027410e07664915609387585da65', 'finished', 1795337490672078, 'ada', 'file.write', 'project/todo/a.py', '01a2027410df7330bea4d20db08abbaa', 'ok', '0e4773c58b5dd048d3dd3a3cbe5ea68398d0bbfe1e0dfef459c73472ce9b0b07', '7b6fdf8e9c16312532bd0197faae64c3084b096c691ee134315c252928aad8b0', 2, '127.0.0.1', '', 15625);
INSERT INTO public.audit_entries VALUES (67, '01a2027410f777eb9701739705b75fc8', 'begun', 1795337490679573, 'ada', 'submission.create', 'project/todo', '01a2027410f177b8a2d77c3c8a439b03', '', '7b6fdf8e9c16312532bd0197faae64c3084b096c691ee134315c252928aad8b0', '4d7e3ec382e5babb14c86c3edd99d0f74d755792332e0cfe7e44c7525605ba36', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (38, '01a20273d17c72db8305b8ee25db498f', 'finished', 1795337474464141, 'admin', 'process.start', 'project/lab', '01a20273d17b740683350da76d682917', 'ok', '4bd381fa51f20b4d13a7e82c1ea1a261eb68d2c0a583914fc71aa3b02c6935b8', 'e2ce0f54b579477afa0f1dc7d6945ed611e73f1f2bac066ea5453de59526bfe7', 2, '127.0.0.1', '', 35481);
INSERT INTO public.audit_entries VALUES (39, '01a20273d1a3763da95caf06e19ebf62', 'begun', 1795337474467647, 'admin', 'terminal.open', 'project/lab', '01a20273d1a27537841b88557076cbeb', '', 'e2ce0f54b579477afa0f1dc7d6945ed611e73f1f2bac066ea5453de59526bfe7', '2148f2ea5b39e94a3cb799fbf585fb737b8717cf012c0f652b6f79e0bc2f3210', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (42, '01a20273d1de7769bd7a96b8bd6209b7', 'finished', 1795337474528145, 'admin', 'network.change', 'installation', '01a20273d1dc7668adfddf4a89e9d969', 'ok; project/lab', 'df66a9c07b84e4a18dfa23e95ffbec433d61dff8995dd0daf599a018f256546c', '099595a6654265e8e56ef2bdb7bd2efa32c60e2c1fb576ad5ce0adcd978cbb07', 2, '127.0.0.1', '', 1923);
INSERT INTO public.audit_entries VALUES (52, '01a2027410b2749297c09539721118da', 'finished', 1795337490612829, 'admin', 'job.complete', 'job/mine', '01a2027410b0778589701a0aee7c2a49', 'ok', '289ccf218988e2aa68d24e821e2e95103ae794fd1561cd2689ccdcd5d2583805', 'bb7185b89d226df5140f404bc2e3504e91a5d39bd3cdf70e2028c03d67983ca5', 2, '127.0.0.1', '', 2398);
INSERT INTO public.audit_entries VALUES (53, '01a2027410b67112bbadec4b46346331', 'begun', 1795337490614295, 'admin', 'job.create', 'job/broken', '01a2027410b5760f9c50868c36a1db27', '', 'bb7185b89d226df5140f404bc2e3504e91a5d39bd3cdf70e2028c03d67983ca5', '682cc80373bc05ac7dc80a3a137c36d17d6104c97f9e658a7749603a1ee675f8', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (56, '01a2027410bf71288dbb6afa856ce269', 'finished', 1795337490625180, 'admin', 'job.fail', 'job/broken', '01a2027410be7447986e7ece8c22b91d', 'ok', '218421bf1383e282f114205ee3e665cf4b130f86be35f113ed7f7a06fe247e7d', '0e07ce852e42eae4ae880dc44056ea7afe5beba114ef4d5edfcd20680687bd3c', 2, '127.0.0.1', '', 1812);
INSERT INTO public.audit_entries VALUES (57, '01a2027410c27259bab23cb84596591f', 'begun', 1795337490626498, 'admin', 'project.create', 'project/old', '01a2027410c17396b97c4a836cdb4c78', '', '0e07ce852e42eae4ae880dc44056ea7afe5beba114ef4d5edfcd20680687bd3c', '6c88e84262b3b7bc0d6fa4e2497f6a1d5141a85036ef668b215fc4dd956a456c', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (41, '01a20273d1de7769bd7a96b8bd6209b7', 'begun', 1795337474526222, 'admin', 'network.change', 'installation', '01a20273d1dc7668adfddf4a89e9d969', '', 'bffe69d4c040c9b12ad3d2827d68df1e420c4e65d245bc64e7fe11729774340d', 'df66a9c07b84e4a18dfa23e95ffbec433d61dff8995dd0daf599a018f256546c', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (46, '01a20274108e772f840ef87ff9491cf7', 'finished', 1795337490578750, 'admin', 'job.create', 'job/mine', '01a20274108e772f840ef87ed093f265', 'ok', '35c5ace57be312761f8a1402b3ba45a6af5f4eca7c4c981a3347b074f76f0b06', '307881d9c969f06ed20e6c7b5a017d6d29fe899cc7b961ca557e01a2733de331', 2, '127.0.0.1', '', 4276);
INSERT INTO public.audit_entries VALUES (47, '01a2027410957410b3c0a396738f2b2f', 'begun', 1795337490581112, 'admin', 'job.plan', 'job/mine', '01a202741093773a937c7fc9eb8c0873', '', '307881d9c969f06ed20e6c7b5a017d6d29fe899cc7b961ca557e01a2733de331', '218443356f97ec7f03178cae9232600d297bc7f78562f339f0fa6fb84632a2b9', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (62, '01a2027410cd76fc9899fcc8430cf1c7', 'finished', 1795337490648036, 'admin', 'project.delete', 'project/old', '01a2027410cc759697a43bf6df619e71', 'ok', 'dc3adce2e07aaec28e9ae6398c9134479d735833b29700a832b840b22e269177', '7f1ea79bc97b8c1dc1d009a976dce1bf7b671ff756b8586f7b2b2238130c399e', 2, '127.0.0.1', '', 10823);
INSERT INTO public.audit_entries VALUES (63, '01a2027410db72ff90bdd0527cad41e2', 'begun', 1795337490651761, 'ada', 'project.create', 'project/todo', '01a2027410d8767890366f04fec8984d', '', '7f1ea79bc97b8c1dc1d009a976dce1bf7b671ff756b8586f7b2b2238130c399e', 'b624f4cdb49091d5154e3bcdce29d3b6f5d8720e50a4d3fef89f3132435e543e', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (70, '01a202741111731aac2d23407eeedef2', 'finished', 1795337490708206, 'rex', 'comment.create', 'submission/01a2027410fa770da3279eb1f42057b5', '01a20274110f72db9f7c212adea435f1', 'ok', 'd83f5c7279db9df79d6330bc7f79c2166c27dc2d962ceaeb8cf9d5c3c4eb2b23', 'efbf2954239e11cba9af466f7423f2720dd7e2a48a2e8566e02430a2a0b2bd6d', 2, '127.0.0.1', '', 3035);
INSERT INTO public.audit_entries VALUES (71, '01a202741118744fbf0ecd94228ded91', 'begun', 1795337490712006, 'rex', 'submission.judge', 'submission/01a2027410fa770da3279eb1f42057b5', '01a2027411157627aff5bb63ec0fa766', '', 'efbf2954239e11cba9af466f7423f2720dd7e2a48a2e8566e02430a2a0b2bd6d', 'cd519bd0d05c6c2a68020abe6f855e5a94a8eeb4bc3f2fd640ae1c4aaeef7e72', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (72, '01a202741118744fbf0ecd94228ded91', 'finished', 1795337490715976, 'rex', 'submission.judge', 'submission/01a2027410fa770da3279eb1f42057b5', '01a2027411157627aff5bb63ec0fa766', 'ok; changes_requested', 'cd519bd0d05c6c2a68020abe6f855e5a94a8eeb4bc3f2fd640ae1c4aaeef7e72', '2d28f8f2a237a345edce4216c30561d9c1f7a252a1b3c334485807fa0e0527ca', 2, '127.0.0.1', '', 3970);
INSERT INTO public.audit_entries VALUES (73, '01a2027411237386b98684559b440ccd', 'begun', 1795337490723375, 'admin', 'project.create', 'project/greeter', '01a20274111d76f3b5a3a1045cfcdfb8', '', '2d28f8f2a237a345edce4216c30561d9c1f7a252a1b3c334485807fa0e0527ca', 'e9d9f30c2b96b7927db8921db12ad854a5b448f02282a1f4aafb90edfe45fc2b', 2, '127.0.0.1', '', NULL);
INSERT INTO public.audit_entries VALUES (76, '01a20274112675bcaa519048f7fbe562', 'finished', 1795337494581169, 'admin', 'run.start', 'project/greeter', '01a20274111d76f3b5a3a1045cfcdfb8', 'ok', '2a54ca2432017bfcc057aeb2a99abc4f007999c09d3fdcf3049751bf8b4a1323', '4e7a6083000899313b03ca7959a4c4c724c22c7a63e0b185b2069eb8f77bf790', 2, '127.0.0.1', '', 3854918);


--
-- Data for Name: commands; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.commands VALUES ('01a20273d025746db13a5f4b1bad82da', '01a20273c8f870919a99edf40cf5f50e', 'admin', 'exec', 'python3 src/a.py', '', 1, 'safe', 'layered@0.1.0', 'allowed', 0, 1795337474085887, 234, NULL, 'exited', NULL, '{"created":[],"changed":[],"deleted":[],"complete":true}');
INSERT INTO public.commands VALUES ('01a20273d12c74c2bdd469cece6c5db4', '01a20273c8f870919a99edf40cf5f50e', 'admin', 'exec', 'false', '', 1, 'safe', 'layered@0.1.0', 'allowed', 1, 1795337474348342, 0, NULL, 'exited', NULL, '{"created":[],"changed":[],"deleted":[],"complete":true}');
INSERT INTO public.commands VALUES ('01a20273d14671fdafc6fad73c418122', '01a20273c8f870919a99edf40cf5f50e', 'admin', 'exec', 'rm -rf /', '', 0, 'blocked', 'layered@0.1.0', 'remove-root-or-home', NULL, 1795337474374996, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.commands VALUES ('01a20273d15f76d897258a7574b5be30', '01a20273c8f870919a99edf40cf5f50e', 'admin', 'exec', 'true', '', 1, 'safe', 'layered@0.1.0', 'allowed', 0, 1795337474399585, 12, NULL, 'exited', 'mine', '{"created":[],"changed":[],"deleted":[],"complete":true}');
INSERT INTO public.commands VALUES ('01a2027415f173c291c0db67c0e426b4', '01a20274112473c9b0b043bf49682314', 'admin', 'agent', 'python3 -m unittest -q', '', 1, 'safe', 'layered@0.1.0', 'allowed', 1, 1795337491953689, 736, NULL, 'exited', NULL, NULL);
INSERT INTO public.commands VALUES ('01a2027418ef75128c3e4afa5fff1b89', '01a20274112473c9b0b043bf49682314', 'admin', 'agent', 'python3 -m unittest -q', '', 1, 'safe', 'layered@0.1.0', 'allowed', 0, 1795337492719764, 920, NULL, 'exited', NULL, NULL);


--
-- Data for Name: comments; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.comments VALUES ('01a2027411127498b907d77f027ccaac', '01a2027410fa770da3279eb1f42057b5', 'rex', 'a.py', 2, 'why?', NULL, NULL, 1795337490706478, 1795337490706478);


--
-- Data for Name: deleted_projects; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.deleted_projects VALUES ('01a2027410c37148868ebc4bf364b703', 'admin', 'old', 'python', 'no more', 1795337490628769, 1795337490628769, 1795337490644429, 1795942290644429);


--
-- Data for Name: disk_measures; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: expired_jobs; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.idempotency_keys VALUES ('admin/once', '048ccf8fe332fe57e51b0b09b10a4f707305168fad7b14be40c0428b9a1d7155', 200, '{"status":200,"headers":[["content-type","application/json"],["location","/api/v1/containers/lab/exec/01a20273d15f76d897258a7574b5be30"]],"body":"{\"id\":\"01a20273d15f76d897258a7574b5be30\",\"stdout\":\"\",\"stderr\":\"\",\"exit_code\":0,\"success\":true,\"duration_ms\":12,\"truncated\":false,\"left_out_bytes\":0,\"changed_files\":[],\"changed_files_complete\":true,\"session\":{\"name\":\"mine\",\"cwd\":\"\",\"kept\":true}}"}', 1795337474423579);


--
-- Data for Name: jobs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.jobs VALUES ('broken', 'admin', '01a2027410b771e59e19a4849e90188a', 'todo', 'failed', NULL, 'no idea', 1795337490615453, 1795337490624222, 1795510290615453, NULL, NULL);
INSERT INTO public.jobs VALUES ('mine', 'admin', '01a202741090749cb2f2a22e1281cb06', 'todo', 'complete', '{"files":["d/b.py"]}', NULL, 1795337490576046, 1795337490612051, 1795510290576046, 209, 'eb3cfc4ed7d3460a916412a5df2d7a86458bf93bab05cafde779d5e84a0b41c8');
INSERT INTO public.jobs VALUES ('01a202741127739794ff2e3007ea5441', 'admin', '01a202741127739794ff2e3007ea5441', 'greeter', 'complete', '{"checks":[{"command":"python3 -m unittest -q"},{"path":"/","status":200}],"files":[{"path":"app.py","purpose":"The page."},{"path":"test_app.py","purpose":"Its test."}],"install":[],"kind":"python","notes":"app.greeting()","port":8000,"start":"python3 app.py","summary":"A page that greets."}', NULL, 1795337490727863, 1795337490822005, 1795510290727863, 622, '229f2e62889872a3ee7d475b96c7f33652c1a4f00282f6448b34ed0d9aefd749');


--
-- Data for Name: judgements; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.judgements VALUES ('01a20273d025746db13a5f4a14ab978f', 1795337474085796, '{"argv":null,"caller":"admin","caller_role":"admin","channel":"exec","command":"python3 src/a.py","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20273c8f870919a99edf40cf5f50e","project_name":"lab","request_id":"01a20273d00676ee9c1da11ef0d1bcac"}', 1, 'safe', 'layered@0.1.0', 'allowed', '[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":true,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"safe","rule":"allowed"}]');
INSERT INTO public.judgements VALUES ('01a20273d12c74c2bdd469cd1056b40d', 1795337474348244, '{"argv":null,"caller":"admin","caller_role":"admin","channel":"exec","command":"false","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20273c8f870919a99edf40cf5f50e","project_name":"lab","request_id":"01a20273d11e73c294392ecf98d04881"}', 1, 'safe', 'layered@0.1.0', 'allowed', '[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":true,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"safe","rule":"allowed"}]');
INSERT INTO public.judgements VALUES ('01a20273d14671fdafc6fad66e3fdefb', 1795337474374792, '{"argv":null,"caller":"admin","caller_role":"admin","channel":"exec","command":"rm -rf /","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20273c8f870919a99edf40cf5f50e","project_name":"lab","request_id":"01a20273d13d714e972789669da83ac7"}', 0, 'blocked', 'layered@0.1.0', 'remove-root-or-home', '[{"allow":false,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"blocked","rule":"remove-root-or-home"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":false,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"blocked","rule":"remove-root-or-home"}]');
INSERT INTO public.judgements VALUES ('01a20273d15f76d897258a74dda0a5f1', 1795337474399503, '{"argv":null,"caller":"admin","caller_role":"admin","channel":"exec","command":"true","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20273c8f870919a99edf40cf5f50e","project_name":"lab","request_id":"01a20273d14a77b18cd4df466485d4cf"}', 1, 'safe', 'layered@0.1.0', 'allowed', '[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":true,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"safe","rule":"allowed"}]');
INSERT INTO public.judgements VALUES ('01a20273d18f7280aa94bb5212f5a155', 1795337474447707, '{"argv":null,"caller":"admin","caller_role":"admin","channel":"process","command":"python3 -m http.server 8000","cwd":"","env_names":["PORT"],"kind":"python","network":"registries","project":"01a20273c8f870919a99edf40cf5f50e","project_name":"lab","request_id":"01a20273d17b740683350da76d682917"}', 1, 'safe', 'layered@0.1.0', 'allowed', '[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":true,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"safe","rule":"allowed"}]');
INSERT INTO public.judgements VALUES ('01a2027415f173c291c0db66a75abd14', 1795337491953603, '{"argv":null,"caller":"admin","caller_role":"admin","channel":"agent","command":"python3 -m unittest -q","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20274112473c9b0b043bf49682314","project_name":"greeter","request_id":"01a20274111d76f3b5a3a1045cfcdfb8"}', 1, 'safe', 'layered@0.1.0', 'allowed', '[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"}]');
INSERT INTO public.judgements VALUES ('01a2027418ef75128c3e4af9781037eb', 1795337492719712, '{"argv":null,"caller":"admin","caller_role":"admin","channel":"agent","command":"python3 -m unittest -q","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20274112473c9b0b043bf49682314","project_name":"greeter","request_id":"01a20274111d76f3b5a3a1045cfcdfb8"}', 1, 'safe', 'layered@0.1.0', 'allowed', '[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"}]');
INSERT INTO public.judgements VALUES ('01a202741ccb73cfbfd10f358bb16f72', 1795337493707742, '{"argv":null,"caller":"admin","caller_role":"admin","channel":"process","command":"python3 app.py","cwd":"","env_names":["PORT"],"kind":"python","network":"registries","project":"01a20274112473c9b0b043bf49682314","project_name":"greeter","request_id":"01a20274111d76f3b5a3a1045cfcdfb8"}', 1, 'safe', 'layered@0.1.0', 'allowed', '[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"}]');


--
-- Data for Name: leases; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: model_spend; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.model_spend VALUES (1795305600000000, 'admin', '01a20274112473c9b0b043bf49682314', 'default', 'greeter', 4, 0, 80, 40);


--
-- Data for Name: network_lists; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.network_lists VALUES ('01a20273c8f870919a99edf40cf5f50e', '["example.org"]', '["example.com"]', 1795337474527217);


--
-- Data for Name: plugin_bindings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.plugin_bindings VALUES ('built-in-layered', 'layered', NULL, 0, 'enforce', 'deny', '', 1795337469597853, 1795337469597853);
INSERT INTO public.plugin_bindings VALUES ('built-in-scaffold', 'scaffold', NULL, 2, 'enforce', 'deny', '', 1795337469736235, 1795337469736235);
INSERT INTO public.plugin_bindings VALUES ('built-in-model-agent', 'model-agent', NULL, 3, 'enforce', 'deny', '', 1795337469787312, 1795337469787312);
INSERT INTO public.plugin_bindings VALUES ('built-in-usage', 'usage', NULL, 4, 'enforce', 'deny', '', 1795337469827014, 1795337469827014);
INSERT INTO public.plugin_bindings VALUES ('built-in-disk', 'disk', NULL, 5, 'enforce', 'deny', '', 1795337469878975, 1795337469878975);
INSERT INTO public.plugin_bindings VALUES ('built-in-decisions', 'decisions', NULL, 6, 'enforce', 'deny', '', 1795337469931631, 1795337469931631);
INSERT INTO public.plugin_bindings VALUES ('built-in-runtimes', 'runtimes', NULL, 7, 'enforce', 'deny', '', 1795337469983580, 1795337469983580);
INSERT INTO public.plugin_bindings VALUES ('built-in-audit', 'audit', NULL, 8, 'enforce', 'deny', '', 1795337470001001, 1795337470001001);
INSERT INTO public.plugin_bindings VALUES ('built-in-spend', 'spend', NULL, 9, 'enforce', 'deny', '', 1795337470032489, 1795337470032489);
INSERT INTO public.plugin_bindings VALUES ('01a20273c74372b99ed78e3b1b4d48c8', 'fixture', NULL, 10, 'enforce', 'deny', '', 1795337471811382, 1795337471811395);
INSERT INTO public.plugin_bindings VALUES ('01a20273cf52774baacf55be6dc270f5', 'strict', '01a20273c8f870919a99edf40cf5f50e', 11, 'shadow', 'deny', '', 1795337473874520, 1795337473874531);


--
-- Data for Name: plugin_components; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.plugin_components VALUES ('sha256:20eb8f4bee595f3af256e462738d96816b2f8c92c8380a0f65943620270aa03d', 0, 'AGFzbQ0AAQAHwAEBQgwBcwQABGpzb24DAAABbQMHbGVhcm5lcghyZXZpZXdlcgVhZG1pbgQABHJvbGUDAAIBcgICaWRzBHJvbGUDBAAGY2FsbGVyAwAEAW0IBnB5dGhvbgRub2RlBGphdmECZ28EcnVzdARydWJ5A3BocAZzdGF0aWMEAAxwcm9qZWN0LWtpbmQDAAYBcgMCaWRzBG5hbWVzBGtpbmQHBAALcHJvamVjdC1yZWYDAAgBcwQACnJlcXVlc3QtaWQDAAoKIQEAHGxvY2tob3VzZTp0eXBlcy9jb21tb25AMC4xLjAFAAduAUICAXEIBmRlbmllZAFzAAlub3QtZm91bmQBcwAHaW52YWxpZAFzAAl0b28tbGFyZ2UBcwAHdGltZW91dAAABXF1b3RhAXMAC3VuYXZhaWxhYmxlAXMACGludGVybmFsAXMABAAFZXJyb3IDAAAKIQEAHGxvY2tob3VzZTp0eXBlcy9lcnJvcnNAMC4xLjAFAQYKAQMAAQVlcnJvcgdPAUIKAgMCAQIEAAVlcnJvcgMAAAFwfQFrAgFqAQMBAQFAAQNrZXlzAAQEAANnZXQBBQFqAAEBAUACA2tleXMFdmFsdWUCAAYEAANzZXQBBwocAQAXbG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjAFAwH6BQBhc20BAAAAASYGYAN/f38AYAV/f39/fwBgBH9/f38Bf2AAAX9gAn9/AX9gAX8BfwI9Ahdsb2NraG91c2U6aG9zdC9rdkAwLjEuMANnZXQAABdsb2NraG91c2U6aG9zdC9rdkAwLjEuMANzZXQAAQMGBQIDBAUDBQMBAAIGCAF/AUGAgAQLB9sBBgZtZW1vcnkCAAxjYWJpX3JlYWxsb2MAAilsb2NraG91c2U6cGx1Z2luL2xpZmVjeWNsZUAwLjEuMCNkZXNjcmliZQADMmxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wI3ZhbGlkYXRlLXNldHRpbmdzAAQubG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMCNldmFsdWF0ZQAFLWxvY2tob3VzZTpwb2xpY3kvY29tbWFuZC1wb2xpY3lAMC4xLjAjZXhwbGFpbgAGCoABBRcBAX8jAEEHakF4cSEEIAQgA2okACAECwUAQYABCwUAQaACC1QAQYAIQQNBgBAQAEGAEC0AAEGEEC0AAHIEQEHQAUGIECgCADYCAEHUAUGMECgCADYCAEHAAQ8LQYAIQQNBkAhBBEGAEBABQYAQLQAABEAAC0HAAQsFAEGAAgsLrgELAEGACAsDa2V5AEGQCAsEa2VwdABBEAsHZml4dHVyZQBBIAsFMS4wLjAAQTALCkEgZml4dHVyZS4AQcAACwZhLXJ1bGUAQdAACwdpdCBkb2VzAEGAAQsYEAAAAAcAAAAgAAAABQAAADAAAAAKAAAAAEHAAQsYAAAAAAAAAABAAAAABgAAAFAAAAAHAAAAAEGAAgsIUAAAAAcAAAAAQaACCwwAAAAAAAAAAAAAAAAALwRuYW1lAQsCAANnZXQBA3NldAISAgIBBAJhdAUBAAdyZXF1ZXN0BwcBAARuZXh0AC8JcHJvZHVjZXJzAQxwcm9jZXNzZWQtYnkBDXdpdC1jb21wb25lbnQHMC4yNTQuMgGPAQBhc20BAAAAAQ8CYAN/f38AYAV/f39/fwADAwIAAQQFAXABAgIHFAMBMAAAATEAAQgkaW1wb3J0cwEACiECDQAgACABIAJBABEAAAsRACAAIAEgAiADIARBAREBAAsALwlwcm9kdWNlcnMBDHByb2Nlc3NlZC1ieQENd2l0LWNvbXBvbmVudAcwLjI1NC4yAXAAYXNtAQAAAAEPAmADf39/AGAFf39/f38AAhoDAAEwAAAAATEAAQAIJGltcG9ydHMBcAECAgkIAQBBAAsCAAEALwlwcm9kdWNlcnMBDHByb2Nlc3NlZC1ieQENd2l0LWNvbXBvbmVudAcwLjI1NC4yAgQBAAEABgkBAwAABGpzb24HKgJyAwJpZHMHdmVyc2lvbnMHc3VtbWFyeXNyAgRwYXRocwdtZXNzYWdlcwYxBAMAAAZjYWxsZXIDAAALcHJvamVjdC1yZWYDAAAKcmVxdWVzdC1pZAMAAQVlcnJvcgfhAQltBARleGVjB3Byb2Nlc3MFYWdlbnQDbWNwbQMEbm9uZQpyZWdpc3RyaWVzBG9wZW5wc2sNcgkHY29tbWFuZHMEYXJndg4DY3dkcwllbnYtbmFtZXMNB2NoYW5uZWwLBmNhbGxlcgcHcHJvamVjdAgHbmV0d29yawwCaWQJbQIFYWxsb3cEZGVueW0EBHNhZmUIbW9kZXJhdGUJZGFuZ2Vyb3VzB2Jsb2NrZWRrc3IGCGRlY2lzaW9uEARyaXNrEQRydWxlcwZyZWFzb25zCXNhbml0aXNlZBIGYWR2aWNlEgYNAgAAAQABMAAAAQABMQIsAgECA2dldAAAA3NldAABAAABF2xvY2tob3VzZTpob3N0L2t2QDAuMS4wEgEGMQQAAgECBm1lbW9yeQABAQAIJGltcG9ydHMBAAIDZ2V0AAABAgxjYWJpX3JlYWxsb2MICgEBAAADAwAEAgAGCAEBAAIDc2V0CAoBAQABAwMABAIAAhwCAQMIJGltcG9ydHMBAAEwAAMBMQAEAAIBABIDBwUBQAAABQYvAQAAAQIpbG9ja2hvdXNlOnBsdWdpbi9saWZlY3ljbGVAMC4xLjAjZGVzY3JpYmUICQEAAAUCAwAAFAcVA3AGagABFUABCHNldHRpbmdzBAAWBjgBAAABAjJsb2NraG91c2U6cGx1Z2luL2xpZmVjeWNsZUAwLjEuMCN2YWxpZGF0ZS1zZXR0aW5ncwgLAQAABgMDAAQCABcEqAMAYXNtDQABAAcCAXMKFgEAEGltcG9ydC10eXBlLWpzb24DAAAHGQFyAwJpZHMHdmVyc2lvbnMHc3VtbWFyeXMKHQEAF2ltcG9ydC10eXBlLWRlc2NyaXB0aW9uAwACBwUBQAAAAwovAgAUaW1wb3J0LWZ1bmMtZGVzY3JpYmUBBAARaW1wb3J0LXR5cGUtanNvbjADAAEHEgFyAgRwYXRocwdtZXNzYWdlcwoZAQATaW1wb3J0LXR5cGUtcHJvYmxlbQMABgcVA3AHagABCEABCHNldHRpbmdzBQAJCiIBAB1pbXBvcnQtZnVuYy12YWxpZGF0ZS1zZXR0aW5ncwEKCwoBAARqc29uAwEABxkBcgMCaWRzB3ZlcnNpb25zB3N1bW1hcnlzCxEBAAtkZXNjcmlwdGlvbgMMAAcSAXICBHBhdGhzB21lc3NhZ2VzCw0BAAdwcm9ibGVtAw4ABwUBQAAADQsQAQAIZGVzY3JpYmUBAAEBEAcVA3APagABEUABCHNldHRpbmdzCwASCxkBABF2YWxpZGF0ZS1zZXR0aW5ncwEBAQETBZIBAQAABhRpbXBvcnQtZnVuYy1kZXNjcmliZQECHWltcG9ydC1mdW5jLXZhbGlkYXRlLXNldHRpbmdzAQMQaW1wb3J0LXR5cGUtanNvbgMEF2ltcG9ydC10eXBlLWRlc2NyaXB0aW9uAwURaW1wb3J0LXR5cGUtanNvbjADBBNpbXBvcnQtdHlwZS1wcm9ibGVtAwYLJgEAIGxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wBQMABxMCagETAQpAAQdyZXF1ZXN0DwAYBjQBAAABAi5sb2NraG91c2U6cG9saWN5L2NvbW1hbmQtcG9saWN5QDAuMS4wI2V2YWx1YXRlCAsBAAAHAwMABAIAGQcFAUAAAHMGMwEAAAECLWxvY2tob3VzZTpwb2xpY3kvY29tbWFuZC1wb2xpY3lAMC4xLjAjZXhwbGFpbggJAQAACAIDAAAaBhkCAwAABHJvbGUDAAAMcHJvamVjdC1raW5kBJkLAGFzbQ0AAQAHGgFtAwdsZWFybmVyCHJldmlld2VyBWFkbWluChYBABBpbXBvcnQtdHlwZS1yb2xlAwAABw0BcgICaWRzBHJvbGUBChgBABJpbXBvcnQtdHlwZS1jYWxsZXIDAAIHLAFtCAZweXRob24Ebm9kZQRqYXZhAmdvBHJ1c3QEcnVieQNwaHAGc3RhdGljCh4BABhpbXBvcnQtdHlwZS1wcm9qZWN0LWtpbmQDAAQHEwFyAwJpZHMEbmFtZXMEa2luZAUKHQEAF2ltcG9ydC10eXBlLXByb2plY3QtcmVmAwAGBwIBcwocAQAWaW1wb3J0LXR5cGUtcmVxdWVzdC1pZAMACAdgAXEIBmRlbmllZAFzAAlub3QtZm91bmQBcwAHaW52YWxpZAFzAAl0b28tbGFyZ2UBcwAHdGltZW91dAAABXF1b3RhAXMAC3VuYXZhaWxhYmxlAXMACGludGVybmFsAXMAChcBABFpbXBvcnQtdHlwZS1lcnJvcgMACgceA3BzawxtBARleGVjB3Byb2Nlc3MFYWdlbnQDbWNwCk4DABNpbXBvcnQtdHlwZS1jaGFubmVsAwAOABNpbXBvcnQtdHlwZS1jYWxsZXIwAwADABhpbXBvcnQtdHlwZS1wcm9qZWN0LXJlZjADAAcHGAFtAwRub25lCnJlZ2lzdHJpZXMEb3Blbgo6AgAYaW1wb3J0LXR5cGUtbmV0d29yay1tb2RlAwASABdpbXBvcnQtdHlwZS1yZXF1ZXN0LWlkMAMACQdJAXIJB2NvbW1hbmRzBGFyZ3YNA2N3ZHMJZW52LW5hbWVzDAdjaGFubmVsDwZjYWxsZXIQB3Byb2plY3QRB25ldHdvcmsTAmlkFAoZAQATaW1wb3J0LXR5cGUtcmVxdWVzdAMAFQcOAW0CBWFsbG93BGRlbnkKGgEAFGltcG9ydC10eXBlLWRlY2lzaW9uAwAXByMBbQQEc2FmZQhtb2RlcmF0ZQlkYW5nZXJvdXMHYmxvY2tlZAoWAQAQaW1wb3J0LXR5cGUtcmlzawMAGQc2AmtzcgYIZGVjaXNpb24YBHJpc2saBHJ1bGVzBnJlYXNvbnMJc2FuaXRpc2VkGwZhZHZpY2UbCjACABNpbXBvcnQtdHlwZS12ZXJkaWN0AwAcABJpbXBvcnQtdHlwZS1lcnJvcjADAAsHEwJqAR0BHkABB3JlcXVlc3QWAB8KGQEAFGltcG9ydC1mdW5jLWV2YWx1YXRlASAHBQFAAABzChgBABNpbXBvcnQtZnVuYy1leHBsYWluASELNQQABmNhbGxlcgMDAAALcHJvamVjdC1yZWYDBwAACnJlcXVlc3QtaWQDCQAABWVycm9yAwsABxoBbQQEZXhlYwdwcm9jZXNzBWFnZW50A21jcAsNAQAHY2hhbm5lbAMmAAcYAW0DBG5vbmUKcmVnaXN0cmllcwRvcGVuCxIBAAxuZXR3b3JrLW1vZGUDKAAHTQNwc2sqcgkHY29tbWFuZHMEYXJndisDY3dkcwllbnYtbmFtZXMqB2NoYW5uZWwnBmNhbGxlciIHcHJvamVjdCMHbmV0d29yaykCaWQkCw0BAAdyZXF1ZXN0AywABw4BbQIFYWxsb3cEZGVueQsOAQAIZGVjaXNpb24DLgAHIwFtBARzYWZlCG1vZGVyYXRlCWRhbmdlcm91cwdibG9ja2VkCwoBAARyaXNrAzAABzYCa3NyBghkZWNpc2lvbi8EcmlzazEEcnVsZXMGcmVhc29ucwlzYW5pdGlzZWQyBmFkdmljZTILDQEAB3ZlcmRpY3QDMwAHEwJqATQBJUABB3JlcXVlc3QtADULEAEACGV2YWx1YXRlAQABATYHBQFAAABzCw8BAAdleHBsYWluAQEBATcFogMBAAESFGltcG9ydC1mdW5jLWV2YWx1YXRlAQQTaW1wb3J0LWZ1bmMtZXhwbGFpbgEFEGltcG9ydC10eXBlLXJvbGUDGxJpbXBvcnQtdHlwZS1jYWxsZXIDBxhpbXBvcnQtdHlwZS1wcm9qZWN0LWtpbmQDHBdpbXBvcnQtdHlwZS1wcm9qZWN0LXJlZgMIFmltcG9ydC10eXBlLXJlcXVlc3QtaWQDCRFpbXBvcnQtdHlwZS1lcnJvcgMKE2ltcG9ydC10eXBlLWNoYW5uZWwDCxNpbXBvcnQtdHlwZS1jYWxsZXIwAwcYaW1wb3J0LXR5cGUtcHJvamVjdC1yZWYwAwgYaW1wb3J0LXR5cGUtbmV0d29yay1tb2RlAwwXaW1wb3J0LXR5cGUtcmVxdWVzdC1pZDADCRNpbXBvcnQtdHlwZS1yZXF1ZXN0Aw8UaW1wb3J0LXR5cGUtZGVjaXNpb24DEBBpbXBvcnQtdHlwZS1yaXNrAxETaW1wb3J0LXR5cGUtdmVyZGljdAMTEmltcG9ydC10eXBlLWVycm9yMAMKCysBACVsb2NraG91c2U6cG9saWN5L2NvbW1hbmQtcG9saWN5QDAuMS4wBQUAAIYLDmNvbXBvbmVudC1uYW1lAeICAAAJACRpbmRpcmVjdC1sb2NraG91c2U6aG9zdC9rdkAwLjEuMC1nZXQBJGluZGlyZWN0LWxvY2tob3VzZTpob3N0L2t2QDAuMS4wLXNldAIHcmVhbGxvYwMkaW5kaXJlY3QtbG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjAtZ2V0BCRpbmRpcmVjdC1sb2NraG91c2U6aG9zdC9rdkAwLjEuMC1zZXQFKWxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wI2Rlc2NyaWJlBjJsb2NraG91c2U6cGx1Z2luL2xpZmVjeWNsZUAwLjEuMCN2YWxpZGF0ZS1zZXR0aW5ncwcubG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMCNldmFsdWF0ZQgtbG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMCNleHBsYWluAQ8AAQEACnNoaW0gdGFibGUBCwACAQAGbWVtb3J5ATkAEQMABG1haW4BGXdpdC1jb21wb25lbnQtc2hpbS1tb2R1bGUCE3dpdC1jb21wb25lbnQtZml4dXABUgASBQAbd2l0LWNvbXBvbmVudC1zaGltLWluc3RhbmNlARdsb2NraG91c2U6aG9zdC9rdkAwLjEuMAIEbWFpbgMKZml4dXAtYXJncwQFZml4dXABhQIFBwAcbG9ja2hvdXNlOnR5cGVzL2NvbW1vbkAwLjEuMAEcbG9ja2hvdXNlOnR5cGVzL2Vycm9yc0AwLjEuMAIXbG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjADLmxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wLXNoaW0taW5zdGFuY2UEIGxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wBTNsb2NraG91c2U6cG9saWN5L2NvbW1hbmQtcG9saWN5QDAuMS4wLXNoaW0taW5zdGFuY2UGJWxvY2tob3VzZTpwb2xpY3kvY29tbWFuZC1wb2xpY3lAMC4xLjABPAEGAANnZXQBA3NldAIIZGVzY3JpYmUDEXZhbGlkYXRlLXNldHRpbmdzBAhldmFsdWF0ZQUHZXhwbGFpbgGpAQMLAB90eS1sb2NraG91c2U6dHlwZXMvY29tbW9uQDAuMS4wAR90eS1sb2NraG91c2U6dHlwZXMvZXJyb3JzQDAuMS4wAgVlcnJvcgMadHktbG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjAEBGpzb24HBmNhbGxlcggLcHJvamVjdC1yZWYJCnJlcXVlc3QtaWQKBWVycm9yGwRyb2xlHAxwcm9qZWN0LWtpbmQBaQQCAC9sb2NraG91c2U6cGx1Z2luL2xpZmVjeWNsZUAwLjEuMC1zaGltLWNvbXBvbmVudAE0bG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMC1zaGltLWNvbXBvbmVudAGFAgUHABxsb2NraG91c2U6dHlwZXMvY29tbW9uQDAuMS4wARxsb2NraG91c2U6dHlwZXMvZXJyb3JzQDAuMS4wAhdsb2NraG91c2U6aG9zdC9rdkAwLjEuMAMubG9ja2hvdXNlOnBsdWdpbi9saWZlY3ljbGVAMC4xLjAtc2hpbS1pbnN0YW5jZQQgbG9ja2hvdXNlOnBsdWdpbi9saWZlY3ljbGVAMC4xLjAFM2xvY2tob3VzZTpwb2xpY3kvY29tbWFuZC1wb2xpY3lAMC4xLjAtc2hpbS1pbnN0YW5jZQYlbG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMAAvCXByb2R1Y2VycwEMcHJvY2Vzc2VkLWJ5AQ13aXQtY29tcG9uZW50BzAuMjU0LjIArwESbG9ja2hvdXNlOm1hbmlmZXN0CmlkID0gImZpeHR1cmUiCnZlcnNpb24gPSAiMS4wLjAiCnN1bW1hcnkgPSAiUmVtZW1iZXJzIHRoYXQgaXQgd2FzIGFza2VkLiIKcm9sZXMgPSBbImNvbW1hbmQtcG9saWN5Il0KaW1wb3J0cyA9IFsibG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjAiXQpncmFudHMgPSBbImt2Il0K');


--
-- Data for Name: plugin_kv; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.plugin_kv VALUES ('fixture', 'key', 'a2VwdA==', 7);


--
-- Data for Name: plugin_kv_owners; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.plugin_kv_owners VALUES ('fixture');


--
-- Data for Name: plugin_versions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.plugin_versions VALUES ('fixture', 'sha256:20eb8f4bee595f3af256e462738d96816b2f8c92c8380a0f65943620270aa03d', '1.0.0', 'upload', NULL, 'admin', 1795337471823203);


--
-- Data for Name: plugins; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.plugins VALUES ('layered', 'built-in', NULL, 1, 1, '[]', 1795337469597873, 1795337469597873);
INSERT INTO public.plugins VALUES ('strict', 'built-in', NULL, 1, 1, '[]', 1795337469656308, 1795337469656308);
INSERT INTO public.plugins VALUES ('scaffold', 'built-in', NULL, 1, 0, '[]', 1795337469736259, 1795337469736259);
INSERT INTO public.plugins VALUES ('usage', 'built-in', NULL, 1, 0, '[]', 1795337469827039, 1795337469827039);
INSERT INTO public.plugins VALUES ('disk', 'built-in', NULL, 1, 0, '[]', 1795337469878995, 1795337469878995);
INSERT INTO public.plugins VALUES ('decisions', 'built-in', NULL, 1, 0, '[]', 1795337469931655, 1795337469931655);
INSERT INTO public.plugins VALUES ('runtimes', 'built-in', NULL, 1, 0, '[]', 1795337469983604, 1795337469983604);
INSERT INTO public.plugins VALUES ('audit', 'built-in', NULL, 1, 0, '[]', 1795337470001016, 1795337470001016);
INSERT INTO public.plugins VALUES ('spend', 'built-in', NULL, 1, 0, '[]', 1795337470032508, 1795337470032508);
INSERT INTO public.plugins VALUES ('model-agent', 'built-in', NULL, 1, 0, '["model/default"]', 1795337469787338, 1795337470892646);
INSERT INTO public.plugins VALUES ('fixture', 'sha256:20eb8f4bee595f3af256e462738d96816b2f8c92c8380a0f65943620270aa03d', NULL, 1, 1, '["kv"]', 1795337471823203, 1795337471823203);


--
-- Data for Name: pool_entries; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: preview_labels; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.preview_labels VALUES ('ax7iykyz', '01a20273c8f870919a99edf40cf5f50e');


--
-- Data for Name: preview_links; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.preview_links VALUES ('01a2027410897133ac7b1c9c64dbd130', '01a20273c8f870919a99edf40cf5f50e', 'admin', '8ea60f0428bd7dbd42d3fc7ba1336cf898790522bd0c0abf721d87be501b34ab', 8000, 1795337490567992, 1795423890567992);


--
-- Data for Name: preview_ports; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.preview_ports VALUES ('01a20273c8f870919a99edf40cf5f50e', 3000, 15151);
INSERT INTO public.preview_ports VALUES ('01a20273c8f870919a99edf40cf5f50e', 3001, 42895);
INSERT INTO public.preview_ports VALUES ('01a20273c8f870919a99edf40cf5f50e', 5000, 24413);
INSERT INTO public.preview_ports VALUES ('01a20273c8f870919a99edf40cf5f50e', 8000, 28627);
INSERT INTO public.preview_ports VALUES ('01a20273c8f870919a99edf40cf5f50e', 8080, 31093);
INSERT INTO public.preview_ports VALUES ('01a20274112473c9b0b043bf49682314', 3000, 51583);
INSERT INTO public.preview_ports VALUES ('01a20274112473c9b0b043bf49682314', 3001, 37564);
INSERT INTO public.preview_ports VALUES ('01a20274112473c9b0b043bf49682314', 5000, 36448);
INSERT INTO public.preview_ports VALUES ('01a20274112473c9b0b043bf49682314', 8000, 15269);
INSERT INTO public.preview_ports VALUES ('01a20274112473c9b0b043bf49682314', 8080, 54022);


--
-- Data for Name: processes; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.processes VALUES ('01a20273c8f870919a99edf40cf5f50e', 'python3 -m http.server 8000', 8000, 'never', 'running', 1795337474457583);
INSERT INTO public.processes VALUES ('01a20274112473c9b0b043bf49682314', 'python3 app.py', 8000, 'on-failure', 'running', 1795337493745149);


--
-- Data for Name: projects; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.projects VALUES ('01a20273c8f870919a99edf40cf5f50e', 'admin', 'lab', 'python', '', 1795337472255561, 1795337472255561);
INSERT INTO public.projects VALUES ('01a2027410dc71ab87d5b02e18cbc6de', 'ada', 'todo', 'python', '', 1795337490653029, 1795337490653029);
INSERT INTO public.projects VALUES ('01a20274112473c9b0b043bf49682314', 'admin', 'greeter', 'python', '', 1795337490724666, 1795337490724666);


--
-- Data for Name: quotas; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.quotas VALUES ('ada', 1, 2, 1795337471776125, 100000);


--
-- Data for Name: run_steps; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 1, 1795337490736327, '{"type":"state","state":"planning","message":"model-agent@0.1.0 plans"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 2, 1795337490743659, '{"type":"state","state":"planning","message":"Asking the model for a plan","parts":[0,1]}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 3, 1795337490758107, '{"type":"model","model":"default","messages":[{"speaker":"system","text":"You plan small software projects that another step writes file by file, and that are then installed, started and checked without anybody''s help. A plan that is modest and works is worth more than one that is grand and fails.\n\nWhere projects run:\n- One container for each project, its files in /workspace, which is the working directory of every command. An ordinary user, no root, no sudo, no Docker.\n- No network but the package registries of the project''s language. No databases, queues or other servers besides the project''s own process; keep data in memory, in files, or in SQLite.\n- Commands are shell commands and are judged by a policy: keep to ordinary tools of the language. No pipes from the network into a shell, nothing outside the project, no background processes.\n- python: Python 3.11. Make an environment with `python3 -m venv .venv` and install into it with `.venv/bin/pip install -r requirements.txt`; start and test by `.venv/bin/python …`. Packages that a requirements.txt names need no exact versions.\n- node: Node 20 with npm. `npm install` where there are dependencies; prefer few or none.\n- static: plain files, served by `python3 -m http.server $PORT --bind 127.0.0.1`.\n- go, rust, java, ruby, php: the usual tools of each.\n- The project''s one long-running process listens on 127.0.0.1 or 0.0.0.0 at the port of the plan, which is in the variable PORT as well. The container has 512 MB of memory.\n\nThe plan:\n- `files`: every file that a person would write, in the order in which they are best written: what others build upon first, tests last. No lock files, nothing that tools make. `purpose` is one sentence.\n- `notes`: for who writes the files and sees no other file than those written before: names of modules, functions, routes, fields and formats that more than one file relies upon. Be exact.\n- `install`: commands that bring in what the project needs, in order; none where it needs nothing.\n- `start`: the command of the long-running process, with `port`; both null for a project that serves nothing, such as a command-line tool.\n- `checks`: what shows that it works: commands that must exit with 0, such as the project''s own tests, and requests by GET that must answer with a status. Requests need `start`. Let the project have tests of its own, and check by them.\n- `summary`: one sentence, for the person who asked."},{"speaker":"user","text":"Plan the project “greeter”. Choose its kind.\n\nWhat the person wants, in their own words:\n<prompt>\na page that greets\n</prompt>"}],"schema":"{\n    \"type\": \"object\",\n    \"additionalProperties\": false,\n    \"required\": [\"kind\", \"summary\", \"files\", \"notes\", \"install\", \"start\", \"port\", \"checks\"],\n    \"properties\": {\n        \"kind\": {\n            \"type\": \"string\",\n            \"enum\": [\"python\", \"node\", \"java\", \"go\", \"rust\", \"ruby\", \"php\", \"static\"]\n        },\n        \"summary\": { \"type\": \"string\" },\n        \"files\": {\n            \"type\": \"array\",\n            \"items\": {\n                \"type\": \"object\",\n                \"additionalProperties\": false,\n                \"required\": [\"path\", \"purpose\"],\n                \"properties\": {\n                    \"path\": { \"type\": \"string\", \"description\": \"Relative, with / between names.\" },\n                    \"purpose\": { \"type\": \"string\" }\n                }\n            }\n        },\n        \"notes\": { \"type\": \"string\" },\n        \"install\": { \"type\": \"array\", \"items\": { \"type\": \"string\" } },\n        \"start\": { \"type\": [\"string\", \"null\"] },\n        \"port\": { \"type\": [\"integer\", \"null\"] },\n        \"checks\": {\n            \"type\": \"array\",\n            \"items\": {\n                \"anyOf\": [\n                    {\n                        \"type\": \"object\",\n                        \"additionalProperties\": false,\n                        \"required\": [\"command\"],\n                        \"properties\": { \"command\": { \"type\": \"string\" } }\n                    },\n                    {\n                        \"type\": \"object\",\n                        \"additionalProperties\": false,\n                        \"required\": [\"path\", \"status\"],\n                        \"properties\": {\n                            \"path\": { \"type\": \"string\" },\n                            \"status\": { \"type\": \"integer\" }\n                        }\n                    }\n                ]\n            }\n        }\n    }\n}","max_tokens":8192,"answer":{"text":"{\"checks\":[{\"command\":\"python3 -m unittest -q\"},{\"path\":\"/\",\"status\":200}],\"files\":[{\"path\":\"app.py\",\"purpose\":\"The page.\"},{\"path\":\"test_app.py\",\"purpose\":\"Its test.\"}],\"install\":[],\"kind\":\"python\",\"notes\":\"app.greeting()\",\"port\":8000,\"start\":\"python3 app.py\",\"summary\":\"A page that greets.\"}","input_tokens":20,"output_tokens":10,"stop":"finished"}}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 4, 1795337490764088, '{"type":"state","state":"planned","message":"A page that greets."}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 5, 1795337490773505, '{"type":"state","state":"writing","message":"app.py","parts":[0,2]}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 6, 1795337490776310, '{"type":"state","state":"writing","message":"Asking the model for app.py","parts":[0,2]}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 7, 1795337490783544, '{"type":"model","model":"default","messages":[{"speaker":"system","text":"You write one file of a software project, whole: no placeholders, no omissions, no comments about what would have to be added. Other files are written in other steps, before and after this one; rely on them exactly as the plan''s notes and the files that are shown say, and on nothing else.\n\n- Write what the file is for, and no more. Plain, readable code as an experienced developer of the language writes it; comments where something is not obvious.\n- The project runs in a container without network, on loopback, as an ordinary user; servers listen at the port of the variable PORT, or else at the plan''s.\n- Tests must pass by themselves, at once, in any order, without network, and leave nothing behind.\n- Where the file exists already, keep what the plan does not want changed.\n- Answer with the file''s text as it shall stand on the disk, in `content`: not wrapped in a code block. `executable` is for scripts that are run by their name."},{"speaker":"user","text":"What the person wants:\n<prompt>\na page that greets\n</prompt>\n\nThe plan:\n{\"checks\":[{\"command\":\"python3 -m unittest -q\"},{\"path\":\"/\",\"status\":200}],\"files\":[{\"path\":\"app.py\",\"purpose\":\"The page.\"},{\"path\":\"test_app.py\",\"purpose\":\"Its test.\"}],\"install\":[],\"kind\":\"python\",\"notes\":\"app.greeting()\",\"port\":8000,\"start\":\"python3 app.py\",\"summary\":\"A page that greets.\"}\n\nThe project as it stands:\nThe project is empty.\n\nNow write app.py: The page."}],"schema":"{\n    \"type\": \"object\",\n    \"additionalProperties\": false,\n    \"required\": [\"content\", \"executable\"],\n    \"properties\": {\n        \"content\": { \"type\": \"string\" },\n        \"executable\": { \"type\": \"boolean\" }\n    }\n}","max_tokens":16384,"answer":{"text":"{\"content\":\"import http.server\\nimport os\\n\\n\\ndef greeting():\\n    return \\\"Helo\\\"\\n\\n\\nclass Page(http.server.BaseHTTPRequestHandler):\\n    def do_GET(self):\\n        body = greeting().encode()\\n        self.send_response(200)\\n        self.send_header(\\\"content-length\\\", str(len(body)))\\n        self.end_headers()\\n        self.wfile.write(body)\\n\\n\\nif __name__ == \\\"__main__\\\":\\n    port = int(os.environ.get(\\\"PORT\\\", \\\"8000\\\"))\\n    http.server.HTTPServer((\\\"127.0.0.1\\\", port), Page).serve_forever()\\n\",\"executable\":false}","input_tokens":20,"output_tokens":10,"stop":"finished"}}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 8, 1795337490796999, '{"type":"file","path":"app.py"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 9, 1795337490805734, '{"type":"state","state":"writing","message":"test_app.py","parts":[1,2]}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 10, 1795337490810384, '{"type":"state","state":"writing","message":"Asking the model for test_app.py","parts":[1,2]}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 11, 1795337490814692, '{"type":"model","model":"default","messages":[{"speaker":"system","text":"You write one file of a software project, whole: no placeholders, no omissions, no comments about what would have to be added. Other files are written in other steps, before and after this one; rely on them exactly as the plan''s notes and the files that are shown say, and on nothing else.\n\n- Write what the file is for, and no more. Plain, readable code as an experienced developer of the language writes it; comments where something is not obvious.\n- The project runs in a container without network, on loopback, as an ordinary user; servers listen at the port of the variable PORT, or else at the plan''s.\n- Tests must pass by themselves, at once, in any order, without network, and leave nothing behind.\n- Where the file exists already, keep what the plan does not want changed.\n- Answer with the file''s text as it shall stand on the disk, in `content`: not wrapped in a code block. `executable` is for scripts that are run by their name."},{"speaker":"user","text":"What the person wants:\n<prompt>\na page that greets\n</prompt>\n\nThe plan:\n{\"checks\":[{\"command\":\"python3 -m unittest -q\"},{\"path\":\"/\",\"status\":200}],\"files\":[{\"path\":\"app.py\",\"purpose\":\"The page.\"},{\"path\":\"test_app.py\",\"purpose\":\"Its test.\"}],\"install\":[],\"kind\":\"python\",\"notes\":\"app.greeting()\",\"port\":8000,\"start\":\"python3 app.py\",\"summary\":\"A page that greets.\"}\n\nThe project as it stands:\n<file path=\"app.py\">\nimport http.server\nimport os\n\n\ndef greeting():\n    return \"Helo\"\n\n\nclass Page(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        body = greeting().encode()\n        self.send_response(200)\n        self.send_header(\"content-length\", str(len(body)))\n        self.end_headers()\n        self.wfile.write(body)\n\n\nif __name__ == \"__main__\":\n    port = int(os.environ.get(\"PORT\", \"8000\"))\n    http.server.HTTPServer((\"127.0.0.1\", port), Page).serve_forever()\n</file>\n\nNow write test_app.py: Its test."}],"schema":"{\n    \"type\": \"object\",\n    \"additionalProperties\": false,\n    \"required\": [\"content\", \"executable\"],\n    \"properties\": {\n        \"content\": { \"type\": \"string\" },\n        \"executable\": { \"type\": \"boolean\" }\n    }\n}","max_tokens":16384,"answer":{"text":"{\"content\":\"import unittest\\n\\nimport app\\n\\n\\nclass Greeting(unittest.TestCase):\\n    def test_it_greets(self):\\n        self.assertEqual(app.greeting(), \\\"Hello\\\")\\n\",\"executable\":false}","input_tokens":20,"output_tokens":10,"stop":"finished"}}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 12, 1795337490819794, '{"type":"file","path":"test_app.py"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 13, 1795337490820394, '{"type":"state","state":"writing","message":"2 files, to be put into the project","parts":[2,2]}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 14, 1795337490882614, '{"type":"state","state":"installing","message":"starting the runtime"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 15, 1795337491942004, '{"type":"state","state":"checking","message":"python3 -m unittest -q"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 16, 1795337491947290, '{"type":"command","command":"python3 -m unittest -q"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 17, 1795337492640969, '{"type":"stderr","text":"======================================================================\nFAIL: test_it_greets (test_app.Greeting.test_it_greets)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/workspace/test_app.py\", line 8, in test_it_greets\n    self.assertEqual(app.greeting(), \"Hello\")\nAssertionError: ''Helo'' != ''Hello''\n- Helo\n+ Hello\n?    +\n\n\n----------------------------------------------------------------------\nRan 1 test in 0.001s\n\nFAILED (failures=1)\n"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 18, 1795337492701224, '{"type":"state","state":"fixing","message":"python3 -m unittest -q"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 19, 1795337492710457, '{"type":"model","model":"default","messages":[{"speaker":"system","text":"Something in a software project did not do what it should. Find out why from the output and the files, and change as little as possible so that it does.\n\n- Change the cause, not the check: tests say what is wanted, unless they are wrong themselves.\n- The plan''s commands stay as they are; only files can be changed.\n- The project runs in a container without network but package registries, as an ordinary user, with its files in the working directory. Packages that are missing are added where the language lists them.\n- An edit gives a file''s whole new text in `content`, not wrapped in a code block; `content` is null to delete the file.\n- Where no change of files would help, or the output does not tell enough, give no edits, and say why in `reason`; otherwise `reason` says in one sentence what was wrong."},{"speaker":"user","text":"What the person wants:\n<prompt>\na page that greets\n</prompt>\n\nThe plan:\n{\"checks\":[{\"command\":\"python3 -m unittest -q\"},{\"path\":\"/\",\"status\":200}],\"files\":[{\"path\":\"app.py\",\"purpose\":\"The page.\"},{\"path\":\"test_app.py\",\"purpose\":\"Its test.\"}],\"install\":[],\"kind\":\"python\",\"notes\":\"app.greeting()\",\"port\":8000,\"start\":\"python3 app.py\",\"summary\":\"A page that greets.\"}\n\nThe project as it stands:\n<file path=\"app.py\">\nimport http.server\nimport os\n\n\ndef greeting():\n    return \"Helo\"\n\n\nclass Page(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        body = greeting().encode()\n        self.send_response(200)\n        self.send_header(\"content-length\", str(len(body)))\n        self.end_headers()\n        self.wfile.write(body)\n\n\nif __name__ == \"__main__\":\n    port = int(os.environ.get(\"PORT\", \"8000\"))\n    http.server.HTTPServer((\"127.0.0.1\", port), Page).serve_forever()\n</file>\n<file path=\"test_app.py\">\nimport unittest\n\nimport app\n\n\nclass Greeting(unittest.TestCase):\n    def test_it_greets(self):\n        self.assertEqual(app.greeting(), \"Hello\")\n</file>\n\nWhat failed, in the check: `python3 -m unittest -q` gave 1. The end of its output:\n<output>\n======================================================================\nFAIL: test_it_greets (test_app.Greeting.test_it_greets)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/workspace/test_app.py\", line 8, in test_it_greets\n    self.assertEqual(app.greeting(), \"Hello\")\nAssertionError: ''Helo'' != ''Hello''\n- Helo\n+ Hello\n?    +\n\n\n----------------------------------------------------------------------\nRan 1 test in 0.001s\n\nFAILED (failures=1)\n</output>\nGive the edits that repair it."}],"schema":"{\n    \"type\": \"object\",\n    \"additionalProperties\": false,\n    \"required\": [\"reason\", \"edits\"],\n    \"properties\": {\n        \"reason\": { \"type\": \"string\" },\n        \"edits\": {\n            \"type\": \"array\",\n            \"items\": {\n                \"type\": \"object\",\n                \"additionalProperties\": false,\n                \"required\": [\"path\", \"content\"],\n                \"properties\": {\n                    \"path\": { \"type\": \"string\", \"description\": \"Relative, with / between names.\" },\n                    \"content\": { \"type\": [\"string\", \"null\"] }\n                }\n            }\n        }\n    }\n}","max_tokens":16384,"answer":{"text":"{\"edits\":[{\"content\":\"import http.server\\nimport os\\n\\n\\ndef greeting():\\n    return \\\"Hello\\\"\\n\\n\\nclass Page(http.server.BaseHTTPRequestHandler):\\n    def do_GET(self):\\n        body = greeting().encode()\\n        self.send_response(200)\\n        self.send_header(\\\"content-length\\\", str(len(body)))\\n        self.end_headers()\\n        self.wfile.write(body)\\n\\n\\nif __name__ == \\\"__main__\\\":\\n    port = int(os.environ.get(\\\"PORT\\\", \\\"8000\\\"))\\n    http.server.HTTPServer((\\\"127.0.0.1\\\", port), Page).serve_forever()\\n\",\"path\":\"app.py\"}],\"reason\":\"A letter is missing.\"}","input_tokens":20,"output_tokens":10,"stop":"finished"}}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 20, 1795337492714701, '{"type":"file","path":"app.py"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 21, 1795337492716078, '{"type":"state","state":"checking","message":"python3 -m unittest -q"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 22, 1795337492716733, '{"type":"command","command":"python3 -m unittest -q"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 23, 1795337493656981, '{"type":"stderr","text":"----------------------------------------------------------------------\nRan 1 test in 0.000s\n\nOK\n"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 24, 1795337493698373, '{"type":"state","state":"starting","message":"python3 app.py"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 25, 1795337494547228, '{"type":"state","state":"checking","message":"GET /"}');
INSERT INTO public.run_steps VALUES ('01a202741127739794ff2e2f3ef8c232', 26, 1795337494580404, '{"type":"done","serves":true}');


--
-- Data for Name: runs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.runs VALUES ('01a202741127739794ff2e2f3ef8c232', '01a20274112473c9b0b043bf49682314', 'admin', '01a202741127739794ff2e3007ea5441', 'model-agent@0.1.0', 'a page that greets', 'done', NULL, 0, 1795337490730921, 1795337494579587);


--
-- Data for Name: runtimes; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.runtimes VALUES ('01a20273c8f870919a99edf40cf5f50e', 'local', 'running', 'running', NULL, 1, '{"memory_bytes":268435456,"cpu_limit":0.5,"disk_bytes":1073741824,"pids":256,"command_timeout":300,"idle_timeout":3600,"max_lifetime":86400,"network":"registries","exposed_ports":[3000,3001,5000,8000,8080]}', 1795337472279208, 1795337473846498, 1795337473792780, NULL, NULL, 0, NULL);
INSERT INTO public.runtimes VALUES ('01a20274112473c9b0b043bf49682314', 'local', 'running', 'running', NULL, 1, '{"memory_bytes":536870912,"cpu_limit":0.5,"disk_bytes":1073741824,"pids":256,"command_timeout":300,"idle_timeout":3600,"max_lifetime":86400,"network":"registries","exposed_ports":[3000,3001,5000,8000,8080]}', 1795337490891466, 1795337491897483, 1795337491858556, NULL, NULL, 0, NULL);


--
-- Data for Name: settings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.settings VALUES ('instance', '01a20273be1072058a2940127bb31801');
INSERT INTO public.settings VALUES ('plugins_bound', 'yes');
INSERT INTO public.settings VALUES ('preview_key', '-j59E2kTvSjkOeQUDDHutke088U2tMdGOeaaeFDVhJc');
INSERT INTO public.settings VALUES ('plugins_generation', '13');


--
-- Data for Name: submissions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.submissions VALUES ('01a2027410fa770da3279eb1f42057b5', '01a2027410dc71ab87d5b02e18cbc6de', 'ada', 1, 'please', 'changes_requested', '0c7ca739f23f076ffc1033bc4032c644f3af5798f5cd89ccf39703b0a469c3d0', 1, 4, 0, 1795337490682337, 1795337490713001);


--
-- Data for Name: terminal_tickets; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: tokens; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.tokens VALUES ('7f26f056ef13b5516142c946daaf5ef45671a17cefc2158d77829c7830625c3d', '01a20273bde673e6b2b790bebd8a416e', 'admin', 'admin', 1795337469412633, NULL, '', 'admin', NULL);
INSERT INTO public.tokens VALUES ('52d7c6d0acdad837fb3995750bd33f51bf75f7c1a8c290055b28c1a31fa20610', '01a20273c5fb7765b4d8f5ec679a365f', 'ada', 'token', 1795337471483530, 1803113471483530, 'test', 'write', NULL);
INSERT INTO public.tokens VALUES ('452f26b1dacdb8f2ad30a85eedafe81d6c36786422bd30d3dd1cc5bcfb7b4ab1', '01a20273c69f77dea250ddac8f2cc20b', 'rex', 'token', 1795337471647266, 1803113471647266, 'test', 'write', NULL);


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users VALUES ('admin', 'admin', 1795337469408255, NULL, 0);
INSERT INTO public.users VALUES ('ada', 'learner', 1795337471343388, NULL, 1795337471343388);
INSERT INTO public.users VALUES ('rex', 'reviewer', 1795337471596852, NULL, 1795337471596852);
INSERT INTO public.users VALUES ('eve', 'learner', 1795337471683379, 1795337471729337, 1795337471722196);


--
-- Data for Name: verdicts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.verdicts VALUES ('01a20274111a7636bff92ecf237a62e3', '01a2027410fa770da3279eb1f42057b5', 'rex', 'changes_requested', 'see there', 1795337490713001);


--
-- Name: _sqlx_migrations _sqlx_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);


--
-- Name: audit_checkpoints audit_checkpoints_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_checkpoints
    ADD CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (seq);


--
-- Name: audit_entries audit_entries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (seq);


--
-- Name: commands commands_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.commands
    ADD CONSTRAINT commands_pkey PRIMARY KEY (id);


--
-- Name: comments comments_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.comments
    ADD CONSTRAINT comments_pkey PRIMARY KEY (id);


--
-- Name: deleted_projects deleted_projects_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.deleted_projects
    ADD CONSTRAINT deleted_projects_pkey PRIMARY KEY (id);


--
-- Name: disk_measures disk_measures_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.disk_measures
    ADD CONSTRAINT disk_measures_pkey PRIMARY KEY (project_id);


--
-- Name: expired_jobs expired_jobs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.expired_jobs
    ADD CONSTRAINT expired_jobs_pkey PRIMARY KEY (directory);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key);


--
-- Name: jobs jobs_directory_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_directory_key UNIQUE (directory);


--
-- Name: jobs jobs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (owner_id, id);


--
-- Name: judgements judgements_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.judgements
    ADD CONSTRAINT judgements_pkey PRIMARY KEY (id);


--
-- Name: leases leases_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);


--
-- Name: model_spend model_spend_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model_spend
    ADD CONSTRAINT model_spend_pkey PRIMARY KEY (day, user_id, project_id, model);


--
-- Name: network_lists network_lists_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.network_lists
    ADD CONSTRAINT network_lists_pkey PRIMARY KEY (project_id);


--
-- Name: plugin_bindings plugin_bindings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plugin_bindings
    ADD CONSTRAINT plugin_bindings_pkey PRIMARY KEY (id);


--
-- Name: plugin_components plugin_components_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plugin_components
    ADD CONSTRAINT plugin_components_pkey PRIMARY KEY (digest, part);


--
-- Name: plugin_kv_owners plugin_kv_owners_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plugin_kv_owners
    ADD CONSTRAINT plugin_kv_owners_pkey PRIMARY KEY (plugin);


--
-- Name: plugin_kv plugin_kv_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plugin_kv
    ADD CONSTRAINT plugin_kv_pkey PRIMARY KEY (plugin, key);


--
-- Name: plugin_versions plugin_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plugin_versions
    ADD CONSTRAINT plugin_versions_pkey PRIMARY KEY (name, digest);


--
-- Name: plugins plugins_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plugins
    ADD CONSTRAINT plugins_pkey PRIMARY KEY (name);


--
-- Name: pool_entries pool_entries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pool_entries
    ADD CONSTRAINT pool_entries_pkey PRIMARY KEY (project_id);


--
-- Name: preview_labels preview_labels_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_labels
    ADD CONSTRAINT preview_labels_pkey PRIMARY KEY (label);


--
-- Name: preview_labels preview_labels_project_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_labels
    ADD CONSTRAINT preview_labels_project_id_key UNIQUE (project_id);


--
-- Name: preview_links preview_links_fingerprint_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_links
    ADD CONSTRAINT preview_links_fingerprint_key UNIQUE (fingerprint);


--
-- Name: preview_links preview_links_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_links
    ADD CONSTRAINT preview_links_pkey PRIMARY KEY (id);


--
-- Name: preview_ports preview_ports_host_port_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_ports
    ADD CONSTRAINT preview_ports_host_port_key UNIQUE (host_port);


--
-- Name: preview_ports preview_ports_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_ports
    ADD CONSTRAINT preview_ports_pkey PRIMARY KEY (project_id, port);


--
-- Name: processes processes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.processes
    ADD CONSTRAINT processes_pkey PRIMARY KEY (project_id);


--
-- Name: projects projects_owner_id_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_owner_id_name_key UNIQUE (owner_id, name);


--
-- Name: projects projects_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);


--
-- Name: quotas quotas_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT quotas_pkey PRIMARY KEY (user_id);


--
-- Name: run_steps run_steps_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_steps
    ADD CONSTRAINT run_steps_pkey PRIMARY KEY (run_id, seq);


--
-- Name: runs runs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);


--
-- Name: runtimes runtimes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.runtimes
    ADD CONSTRAINT runtimes_pkey PRIMARY KEY (project_id);


--
-- Name: settings settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (name);


--
-- Name: submissions submissions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_pkey PRIMARY KEY (id);


--
-- Name: submissions submissions_project_id_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_project_id_number_key UNIQUE (project_id, number);


--
-- Name: terminal_tickets terminal_tickets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.terminal_tickets
    ADD CONSTRAINT terminal_tickets_pkey PRIMARY KEY (fingerprint);


--
-- Name: tokens tokens_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_id_key UNIQUE (id);


--
-- Name: tokens tokens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (fingerprint);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: verdicts verdicts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_pkey PRIMARY KEY (id);


--
-- Name: commands_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX commands_by_age ON public.commands USING btree (started_at);


--
-- Name: commands_by_project; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX commands_by_project ON public.commands USING btree (project_id, id);


--
-- Name: comments_by_submission; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX comments_by_submission ON public.comments USING btree (submission_id, id);


--
-- Name: deleted_projects_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX deleted_projects_by_expiry ON public.deleted_projects USING btree (expires_at);


--
-- Name: disk_measures_by_bytes; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX disk_measures_by_bytes ON public.disk_measures USING btree (bytes, project_id);


--
-- Name: expired_jobs_by_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX expired_jobs_by_id ON public.expired_jobs USING btree (id, owner_id);


--
-- Name: expired_jobs_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX expired_jobs_by_time ON public.expired_jobs USING btree (expired_at);


--
-- Name: jobs_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX jobs_by_expiry ON public.jobs USING btree (expires_at);


--
-- Name: judgements_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX judgements_by_time ON public.judgements USING btree (at);


--
-- Name: preview_links_by_project; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX preview_links_by_project ON public.preview_links USING btree (project_id, id);


--
-- Name: runs_by_project; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX runs_by_project ON public.runs USING btree (project_id, id);


--
-- Name: submissions_by_state; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX submissions_by_state ON public.submissions USING btree (state, id);


--
-- Name: terminal_tickets_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX terminal_tickets_by_expiry ON public.terminal_tickets USING btree (expires_at);


--
-- Name: terminal_tickets_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX terminal_tickets_by_user ON public.terminal_tickets USING btree (user_id);


--
-- Name: tokens_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tokens_by_user ON public.tokens USING btree (user_id, created_at);


--
-- Name: verdicts_by_submission; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX verdicts_by_submission ON public.verdicts USING btree (submission_id, id);


--
-- Name: comments comments_author_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.comments
    ADD CONSTRAINT comments_author_id_fkey FOREIGN KEY (author_id) REFERENCES public.users(id);


--
-- Name: comments comments_submission_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.comments
    ADD CONSTRAINT comments_submission_id_fkey FOREIGN KEY (submission_id) REFERENCES public.submissions(id);


--
-- Name: deleted_projects deleted_projects_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.deleted_projects
    ADD CONSTRAINT deleted_projects_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id);


--
-- Name: disk_measures disk_measures_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.disk_measures
    ADD CONSTRAINT disk_measures_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;


--
-- Name: jobs jobs_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id);


--
-- Name: network_lists network_lists_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.network_lists
    ADD CONSTRAINT network_lists_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;


--
-- Name: plugin_kv plugin_kv_plugin_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plugin_kv
    ADD CONSTRAINT plugin_kv_plugin_fkey FOREIGN KEY (plugin) REFERENCES public.plugin_kv_owners(plugin);


--
-- Name: plugin_versions plugin_versions_name_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plugin_versions
    ADD CONSTRAINT plugin_versions_name_fkey FOREIGN KEY (name) REFERENCES public.plugins(name);


--
-- Name: preview_labels preview_labels_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_labels
    ADD CONSTRAINT preview_labels_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;


--
-- Name: preview_links preview_links_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_links
    ADD CONSTRAINT preview_links_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;


--
-- Name: preview_ports preview_ports_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.preview_ports
    ADD CONSTRAINT preview_ports_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id) ON DELETE CASCADE;


--
-- Name: processes processes_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.processes
    ADD CONSTRAINT processes_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id);


--
-- Name: projects projects_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id);


--
-- Name: quotas quotas_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT quotas_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);


--
-- Name: run_steps run_steps_run_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.run_steps
    ADD CONSTRAINT run_steps_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id);


--
-- Name: runs runs_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id);


--
-- Name: runs runs_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id);


--
-- Name: runtimes runtimes_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.runtimes
    ADD CONSTRAINT runtimes_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(id);


--
-- Name: submissions submissions_author_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_author_id_fkey FOREIGN KEY (author_id) REFERENCES public.users(id);


--
-- Name: tokens tokens_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);


--
-- Name: verdicts verdicts_author_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_author_id_fkey FOREIGN KEY (author_id) REFERENCES public.users(id);


--
-- Name: verdicts verdicts_submission_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_submission_id_fkey FOREIGN KEY (submission_id) REFERENCES public.submissions(id);


--
-- PostgreSQL database dump complete
--


