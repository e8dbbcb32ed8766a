PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _sqlx_migrations VALUES(1,'first','2026-11-22 08:51:03',1,X'17329181a4cc5cb6791b2cc72b9d8b27e9c29af44548d94e2d6e4ea16c1960adcd04e3f9b9f90b73378ddfe811d3d116',2298518);
INSERT INTO _sqlx_migrations VALUES(2,'plugins','2026-11-22 08:51:03',1,X'3ab80ba262b2f434407b7f4bf293a0749c6ef3e1c6a217c89da583c5d50a03c5c3dbb30f8347211a01b0cd9a23346663',1465976);
INSERT INTO _sqlx_migrations VALUES(3,'plugin kv','2026-11-22 08:51:03',1,X'ad39dd89496ca492230f811a9aba1888e9c37aeb6d4205e25f3fee974e16af41c21958913fde96afe85e761e5ca37923',796572);
INSERT INTO _sqlx_migrations VALUES(6,'plugin components','2026-11-22 08:51:03',1,X'885dc509fe69537e0c22e9ae4fd0cab2bda688a5d12009e8978160c451f76606af12fa6051f601c413fc72edc4d121be',755132);
INSERT INTO _sqlx_migrations VALUES(10,'runtime life','2026-11-22 08:51:03',1,X'7db7542a65ea051d7e0c1b64c71fa3843ae9809120f0c988e3eca8c848cefe59d6fcadec20163022400831acf9829b88',2481769);
INSERT INTO _sqlx_migrations VALUES(11,'runtime pool','2026-11-22 08:51:03',1,X'61447a1e40b1ee3a7cbac535f74b27b4eb6cefbd8a25380eecd42c34fb803e5d8185dfd08e02e3c999ec2f3fc1e05896',736015);
INSERT INTO _sqlx_migrations VALUES(12,'network lists','2026-11-22 08:51:03',1,X'ba381ed672906baa94ce82aaa512c3b4fe3d313c0c21f8bf83ddd770257b9200df1d8803f06e06e9abbdc1b1543eb105',795715);
INSERT INTO _sqlx_migrations VALUES(20,'previews','2026-11-22 08:51:03',1,X'bbd9b626515632ca3e36bc5ff3329a3ce1bf22aa22a01b39c971b9bcc8c7b7df673179c505f3aa7cee755498b8925108',1072639);
INSERT INTO _sqlx_migrations VALUES(30,'people','2026-11-22 08:51:03',1,X'a126bd1232b80c0b5be1b5662721ac8d0cbcde67d21686e34f9f18ee68c8efc7097fc84ec96540ce1706484e51ca2d01',2942021);
INSERT INTO _sqlx_migrations VALUES(40,'deleted projects','2026-11-22 08:51:03',1,X'86af0e3a61ea6e1bfd3a89db27bc03d5de8e2697e2c2ff94e0342d8a84296965c4e9971cbf9e260fe6db4e10b77ad17d',677527);
INSERT INTO _sqlx_migrations VALUES(50,'terminal tickets','2026-11-22 08:51:03',1,X'1375fcab321eb4f583bfdbafcd4b19456cd3a62d0f574f3d62df5b760d5cf9c2f3404e507e7d831e1d53107ad89333d0',964763);
INSERT INTO _sqlx_migrations VALUES(51,'execs','2026-11-22 08:51:03',1,X'f13154cd655396167e2ca2014272214e9f3459cff31f516af846671205be6ba11d3a092a1b905e64b72fd69fe3ae19ae',12235698);
INSERT INTO _sqlx_migrations VALUES(52,'job archives','2026-11-22 08:51:03',1,X'8dc930ee22a9bcb6b661ffcd911fc1612b8721df2c0c1ccdeef4668cc1f3ed75b1676b426b92ec40d0df753e88255f25',2064791);
INSERT INTO _sqlx_migrations VALUES(53,'old commands','2026-11-22 08:51:03',1,X'50702fa16022c7c734bc58723f308949f39626bede823cbe2c4454e38d7d7be3eff0385922f04c53e1c0347021970e1d',671635);
INSERT INTO _sqlx_migrations VALUES(60,'audit','2026-11-22 08:51:03',1,X'819278aacfec428709229608e3cff9acc1fed868dd1c17793495fe7d4e7757e3d339eb0efb142a46217556b12ed511cb',3020666);
INSERT INTO _sqlx_migrations VALUES(61,'disk measures','2026-11-22 08:51:03',1,X'e9976e210cdc400685ec1bd136723dfff396409f8fc02bb243159da8fd372893ce1a9b3ef850dfdec81708cdd4039dc1',803522);
INSERT INTO _sqlx_migrations VALUES(62,'quotas','2026-11-22 08:51:03',1,X'5dde510c0547ac63bedd1e32afd79aefb47b505e43f6bc06b73cb0a18d8dc81617e26724cd0fa94ad20d3fd0d392c19d',683221);
INSERT INTO _sqlx_migrations VALUES(70,'reviews','2026-11-22 08:51:03',1,X'81f18a4b336eced32ccdb68e293c2ce4805e7bfebcf2fd78bfef0e65703de54357d989e75582ceb0b31f52672892431c',1306137);
INSERT INTO _sqlx_migrations VALUES(71,'model spend','2026-11-22 08:51:03',1,X'c1b74e4ad5077139b4c6af44ade31a7952ea33faab11599177a9f5add3feaa61a58cb6fa97ef3742576bb5d98d66354c',679773);
INSERT INTO _sqlx_migrations VALUES(72,'model quota','2026-11-22 08:51:03',1,X'ba55a3964c84bd54f9e1cdf033f78a08ba64ef2cf2b2355d2bf5c20d0069385e4f41752787ea8d67801182f2aab717be',1274749);
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL
, removed_at BIGINT, valid_after BIGINT NOT NULL DEFAULT 0);
INSERT INTO users VALUES('admin','admin',1795337463257033,NULL,0);
INSERT INTO users VALUES('ada','learner',1795337464602833,NULL,1795337464602833);
INSERT INTO users VALUES('rex','reviewer',1795337464643361,NULL,1795337464643361);
INSERT INTO users VALUES('eve','learner',1795337464707580,1795337464839082,1795337464831533);
CREATE TABLE tokens (
    fingerprint TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
, name TEXT NOT NULL DEFAULT '', scope TEXT NOT NULL DEFAULT 'admin', parent TEXT);
INSERT INTO tokens VALUES('d6d8722f3960fdc87b99528c906b23d9b26d8b46338eea3d248c5ab6640ee8e0','01a20273a5df736784eddcc035f2c20d','admin','admin',1795337463263264,NULL,'','admin',NULL);
INSERT INTO tokens VALUES('ae61592af18ce301bb380d2888003b1986cd17e9ff7083b243dc9a546509275f','01a20273ab3372b9800f47372a92ab72','ada','token',1795337464627084,1803113464627084,'test','write',NULL);
INSERT INTO tokens VALUES('084351ecde330a313f0c5fddb73acd70de49e07ef3f278b684aa3c4e149570f2','01a20273ab5c73368321f06c095300ea','rex','token',1795337464668019,1803113464668019,'test','write',NULL);
CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (owner_id, name)
);
INSERT INTO projects VALUES('01a20273adc7772da806701b95fb3402','admin','lab','python','',1795337465288048,1795337465288048);
INSERT INTO projects VALUES('01a20274124576c1b546a7f60499ed52','ada','todo','python','',1795337491014173,1795337491014173);
INSERT INTO projects VALUES('01a2027412dd769686275eec0143aa30','admin','greeter','python','',1795337491165739,1795337491165739);
CREATE TABLE runtimes (
    project_id TEXT PRIMARY KEY REFERENCES projects (id),
    engine TEXT NOT NULL,
    desired TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    generation BIGINT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
, started_at BIGINT, active_at BIGINT, active_by TEXT, crashes BIGINT NOT NULL DEFAULT 0, retry_at BIGINT);
INSERT INTO runtimes VALUES('01a20273adc7772da806701b95fb3402','local','running','running',NULL,1,'{"memory_bytes":268435456,"cpu_limit":0.5,"disk_bytes":1073741824,"pids":256,"command_timeout":300,"idle_timeout":3600,"max_lifetime":86400,"network":"registries","exposed_ports":[3000,3001,5000,8000,8080]}',1795337465348999,1795337469272207,1795337469252791,1795337469837805,'terminal',0,NULL);
INSERT INTO runtimes VALUES('01a2027412dd769686275eec0143aa30','local','running','running',NULL,1,'{"memory_bytes":536870912,"cpu_limit":0.5,"disk_bytes":1073741824,"pids":256,"command_timeout":300,"idle_timeout":3600,"max_lifetime":86400,"network":"registries","exposed_ports":[3000,3001,5000,8000,8080]}',1795337491233730,1795337492180739,1795337492133012,1795337494239272,'exec',0,NULL);
CREATE TABLE processes (
    project_id TEXT PRIMARY KEY REFERENCES projects (id),
    command TEXT NOT NULL,
    port BIGINT,
    restart TEXT NOT NULL,
    desired TEXT NOT NULL,
    started_at BIGINT NOT NULL
);
INSERT INTO processes VALUES('01a20273adc7772da806701b95fb3402','python3 -m http.server 8000',8000,'never','running',1795337469788046);
INSERT INTO processes VALUES('01a2027412dd769686275eec0143aa30','python3 app.py',8000,'on-failure','running',1795337494459509);
CREATE TABLE commands (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    caller_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    command TEXT NOT NULL,
    cwd TEXT NOT NULL,
    allowed BIGINT NOT NULL,
    risk TEXT NOT NULL,
    policy TEXT NOT NULL,
    rule TEXT NOT NULL,
    exit_code BIGINT,
    started_at BIGINT NOT NULL,
    duration_ms BIGINT
, signal BIGINT, reason TEXT, session TEXT, changed TEXT);
INSERT INTO commands VALUES('01a20273bdf27770903ae44939f2592c','01a20273adc7772da806701b95fb3402','admin','exec','python3 src/a.py','',1,'safe','layered@0.1.0','allowed',0,1795337469426340,111,NULL,'exited',NULL,'{"created":[],"changed":[],"deleted":[],"complete":true}');
INSERT INTO commands VALUES('01a20273be9a772c90b0e24431f67b2a','01a20273adc7772da806701b95fb3402','admin','exec','false','',1,'safe','layered@0.1.0','allowed',1,1795337469594604,17,NULL,'exited',NULL,'{"created":[],"changed":[],"deleted":[],"complete":true}');
INSERT INTO commands VALUES('01a20273bec675a19e82217f019b9fe0','01a20273adc7772da806701b95fb3402','admin','exec','rm -rf /','',0,'blocked','layered@0.1.0','remove-root-or-home',NULL,1795337469638558,NULL,NULL,NULL,NULL,NULL);
INSERT INTO commands VALUES('01a20273bed57165b764c56436727f63','01a20273adc7772da806701b95fb3402','admin','exec','true','',1,'safe','layered@0.1.0','allowed',0,1795337469653856,20,NULL,'exited','mine','{"created":[],"changed":[],"deleted":[],"complete":true}');
INSERT INTO commands VALUES('01a2027416ec72fe9f31ccf045696fa4','01a2027412dd769686275eec0143aa30','admin','agent','python3 -m unittest -q','',1,'safe','layered@0.1.0','allowed',1,1795337492204670,926,NULL,'exited',NULL,NULL);
INSERT INTO commands VALUES('01a202741af773748b254548c5758180','01a2027412dd769686275eec0143aa30','admin','agent','python3 -m unittest -q','',1,'safe','layered@0.1.0','allowed',0,1795337493239061,1102,NULL,'exited',NULL,NULL);
CREATE TABLE jobs (
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL REFERENCES users (id),
    directory TEXT NOT NULL UNIQUE,
    project_name TEXT NOT NULL,
    status TEXT NOT NULL,
    plan TEXT,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, archive_bytes BIGINT, archive_blake3 TEXT,
    PRIMARY KEY (owner_id, id)
);
INSERT INTO jobs VALUES('mine','admin','01a2027411a47562b6d07a79525f54c7','todo','complete','{"files":["d/b.py"]}',NULL,1795337490852296,1795337490955161,1795510290852296,209,'eb3cfc4ed7d3460a916412a5df2d7a86458bf93bab05cafde779d5e84a0b41c8');
INSERT INTO jobs VALUES('broken','admin','01a20274120e7338a4ebbbcf6221b147','todo','failed',NULL,'no idea',1795337490958731,1795337490972685,1795510290958731,NULL,NULL);
INSERT INTO jobs VALUES('01a2027412e071b6b9a0e9e2789f017c','admin','01a2027412e071b6b9a0e9e2789f017c','greeter','complete','{"checks":[{"command":"python3 -m unittest -q"},{"path":"/","status":200}],"files":[{"path":"app.py","purpose":"The page."},{"path":"test_app.py","purpose":"Its test."}],"install":[],"kind":"python","notes":"app.greeting()","port":8000,"start":"python3 app.py","summary":"A page that greets."}',NULL,1795337491168310,1795337491203889,1795510291168310,622,'229f2e62889872a3ee7d475b96c7f33652c1a4f00282f6448b34ed0d9aefd749');
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    owner_id TEXT NOT NULL REFERENCES users (id),
    job_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    prompt TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    -- 1 while the project's kind is only a guess that the run's plan may correct.
    kind_open BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO runs VALUES('01a2027412df707a8154bbef46e4ed51','01a2027412dd769686275eec0143aa30','admin','01a2027412e071b6b9a0e9e2789f017c','model-agent@0.1.0','a page that greets','done',NULL,0,1795337491169474,1795337495299616);
CREATE TABLE run_steps (
    run_id TEXT NOT NULL REFERENCES runs (id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
);
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',1,1795337491170871,'{"type":"state","state":"planning","message":"model-agent@0.1.0 plans"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',2,1795337491174330,'{"type":"state","state":"planning","message":"Asking the model for a plan","parts":[0,1]}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',3,1795337491177713,'{"type":"model","model":"default","messages":[{"speaker":"system","text":"You plan small software projects that another step writes file by file, and that are then installed, started and checked without anybody''s help. A plan that is modest and works is worth more than one that is grand and fails.\n\nWhere projects run:\n- One container for each project, its files in /workspace, which is the working directory of every command. An ordinary user, no root, no sudo, no Docker.\n- No network but the package registries of the project''s language. No databases, queues or other servers besides the project''s own process; keep data in memory, in files, or in SQLite.\n- Commands are shell commands and are judged by a policy: keep to ordinary tools of the language. No pipes from the network into a shell, nothing outside the project, no background processes.\n- python: Python 3.11. Make an environment with `python3 -m venv .venv` and install into it with `.venv/bin/pip install -r requirements.txt`; start and test by `.venv/bin/python …`. Packages that a requirements.txt names need no exact versions.\n- node: Node 20 with npm. `npm install` where there are dependencies; prefer few or none.\n- static: plain files, served by `python3 -m http.server $PORT --bind 127.0.0.1`.\n- go, rust, java, ruby, php: the usual tools of each.\n- The project''s one long-running process listens on 127.0.0.1 or 0.0.0.0 at the port of the plan, which is in the variable PORT as well. The container has 512 MB of memory.\n\nThe plan:\n- `files`: every file that a person would write, in the order in which they are best written: what others build upon first, tests last. No lock files, nothing that tools make. `purpose` is one sentence.\n- `notes`: for who writes the files and sees no other file than those written before: names of modules, functions, routes, fields and formats that more than one file relies upon. Be exact.\n- `install`: commands that bring in what the project needs, in order; none where it needs nothing.\n- `start`: the command of the long-running process, with `port`; both null for a project that serves nothing, such as a command-line tool.\n- `checks`: what shows that it works: commands that must exit with 0, such as the project''s own tests, and requests by GET that must answer with a status. Requests need `start`. Let the project have tests of its own, and check by them.\n- `summary`: one sentence, for the person who asked."},{"speaker":"user","text":"Plan the project “greeter”. Choose its kind.\n\nWhat the person wants, in their own words:\n<prompt>\na page that greets\n</prompt>"}],"schema":"{\n    \"type\": \"object\",\n    \"additionalProperties\": false,\n    \"required\": [\"kind\", \"summary\", \"files\", \"notes\", \"install\", \"start\", \"port\", \"checks\"],\n    \"properties\": {\n        \"kind\": {\n            \"type\": \"string\",\n            \"enum\": [\"python\", \"node\", \"java\", \"go\", \"rust\", \"ruby\", \"php\", \"static\"]\n        },\n        \"summary\": { \"type\": \"string\" },\n        \"files\": {\n            \"type\": \"array\",\n            \"items\": {\n                \"type\": \"object\",\n                \"additionalProperties\": false,\n                \"required\": [\"path\", \"purpose\"],\n                \"properties\": {\n                    \"path\": { \"type\": \"string\", \"description\": \"Relative, with / between names.\" },\n                    \"purpose\": { \"type\": \"string\" }\n                }\n            }\n        },\n        \"notes\": { \"type\": \"string\" },\n        \"install\": { \"type\": \"array\", \"items\": { \"type\": \"string\" } },\n        \"start\": { \"type\": [\"string\", \"null\"] },\n        \"port\": { \"type\": [\"integer\", \"null\"] },\n        \"checks\": {\n            \"type\": \"array\",\n            \"items\": {\n                \"anyOf\": [\n                    {\n                        \"type\": \"object\",\n                        \"additionalProperties\": false,\n                        \"required\": [\"command\"],\n                        \"properties\": { \"command\": { \"type\": \"string\" } }\n                    },\n                    {\n                        \"type\": \"object\",\n                        \"additionalProperties\": false,\n                        \"required\": [\"path\", \"status\"],\n                        \"properties\": {\n                            \"path\": { \"type\": \"string\" },\n                            \"status\": { \"type\": \"integer\" }\n                        }\n                    }\n                ]\n            }\n        }\n    }\n}","max_tokens":8192,"answer":{"text":"{\"checks\":[{\"command\":\"python3 -m unittest -q\"},{\"path\":\"/\",\"status\":200}],\"files\":[{\"path\":\"app.py\",\"purpose\":\"The page.\"},{\"path\":\"test_app.py\",\"purpose\":\"Its test.\"}],\"install\":[],\"kind\":\"python\",\"notes\":\"app.greeting()\",\"port\":8000,\"start\":\"python3 app.py\",\"summary\":\"A page that greets.\"}","input_tokens":20,"output_tokens":10,"stop":"finished"}}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',4,1795337491180231,'{"type":"state","state":"planned","message":"A page that greets."}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',5,1795337491181594,'{"type":"state","state":"writing","message":"app.py","parts":[0,2]}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',6,1795337491182980,'{"type":"state","state":"writing","message":"Asking the model for app.py","parts":[0,2]}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',7,1795337491185678,'{"type":"model","model":"default","messages":[{"speaker":"system","text":"You write one file of a software project, whole: no placeholders, no omissions, no comments about what would have to be added. Other files are written in other steps, before and after this one; rely on them exactly as the plan''s notes and the files that are shown say, and on nothing else.\n\n- Write what the file is for, and no more. Plain, readable code as an experienced developer of the language writes it; comments where something is not obvious.\n- The project runs in a container without network, on loopback, as an ordinary user; servers listen at the port of the variable PORT, or else at the plan''s.\n- Tests must pass by themselves, at once, in any order, without network, and leave nothing behind.\n- Where the file exists already, keep what the plan does not want changed.\n- Answer with the file''s text as it shall stand on the disk, in `content`: not wrapped in a code block. `executable` is for scripts that are run by their name."},{"speaker":"user","text":"What the person wants:\n<prompt>\na page that greets\n</prompt>\n\nThe plan:\n{\"checks\":[{\"command\":\"python3 -m unittest -q\"},{\"path\":\"/\",\"status\":200}],\"files\":[{\"path\":\"app.py\",\"purpose\":\"The page.\"},{\"path\":\"test_app.py\",\"purpose\":\"Its test.\"}],\"install\":[],\"kind\":\"python\",\"notes\":\"app.greeting()\",\"port\":8000,\"start\":\"python3 app.py\",\"summary\":\"A page that greets.\"}\n\nThe project as it stands:\nThe project is empty.\n\nNow write app.py: The page."}],"schema":"{\n    \"type\": \"object\",\n    \"additionalProperties\": false,\n    \"required\": [\"content\", \"executable\"],\n    \"properties\": {\n        \"content\": { \"type\": \"string\" },\n        \"executable\": { \"type\": \"boolean\" }\n    }\n}","max_tokens":16384,"answer":{"text":"{\"content\":\"import http.server\\nimport os\\n\\n\\ndef greeting():\\n    return \\\"Helo\\\"\\n\\n\\nclass Page(http.server.BaseHTTPRequestHandler):\\n    def do_GET(self):\\n        body = greeting().encode()\\n        self.send_response(200)\\n        self.send_header(\\\"content-length\\\", str(len(body)))\\n        self.end_headers()\\n        self.wfile.write(body)\\n\\n\\nif __name__ == \\\"__main__\\\":\\n    port = int(os.environ.get(\\\"PORT\\\", \\\"8000\\\"))\\n    http.server.HTTPServer((\\\"127.0.0.1\\\", port), Page).serve_forever()\\n\",\"executable\":false}","input_tokens":20,"output_tokens":10,"stop":"finished"}}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',8,1795337491188356,'{"type":"file","path":"app.py"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',9,1795337491188831,'{"type":"state","state":"writing","message":"test_app.py","parts":[1,2]}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',10,1795337491190490,'{"type":"state","state":"writing","message":"Asking the model for test_app.py","parts":[1,2]}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',11,1795337491193190,'{"type":"model","model":"default","messages":[{"speaker":"system","text":"You write one file of a software project, whole: no placeholders, no omissions, no comments about what would have to be added. Other files are written in other steps, before and after this one; rely on them exactly as the plan''s notes and the files that are shown say, and on nothing else.\n\n- Write what the file is for, and no more. Plain, readable code as an experienced developer of the language writes it; comments where something is not obvious.\n- The project runs in a container without network, on loopback, as an ordinary user; servers listen at the port of the variable PORT, or else at the plan''s.\n- Tests must pass by themselves, at once, in any order, without network, and leave nothing behind.\n- Where the file exists already, keep what the plan does not want changed.\n- Answer with the file''s text as it shall stand on the disk, in `content`: not wrapped in a code block. `executable` is for scripts that are run by their name."},{"speaker":"user","text":"What the person wants:\n<prompt>\na page that greets\n</prompt>\n\nThe plan:\n{\"checks\":[{\"command\":\"python3 -m unittest -q\"},{\"path\":\"/\",\"status\":200}],\"files\":[{\"path\":\"app.py\",\"purpose\":\"The page.\"},{\"path\":\"test_app.py\",\"purpose\":\"Its test.\"}],\"install\":[],\"kind\":\"python\",\"notes\":\"app.greeting()\",\"port\":8000,\"start\":\"python3 app.py\",\"summary\":\"A page that greets.\"}\n\nThe project as it stands:\n<file path=\"app.py\">\nimport http.server\nimport os\n\n\ndef greeting():\n    return \"Helo\"\n\n\nclass Page(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        body = greeting().encode()\n        self.send_response(200)\n        self.send_header(\"content-length\", str(len(body)))\n        self.end_headers()\n        self.wfile.write(body)\n\n\nif __name__ == \"__main__\":\n    port = int(os.environ.get(\"PORT\", \"8000\"))\n    http.server.HTTPServer((\"127.0.0.1\", port), Page).serve_forever()\n</file>\n\nNow write test_app.py: Its test."}],"schema":"{\n    \"type\": \"object\",\n    \"additionalProperties\": false,\n    \"required\": [\"content\", \"executable\"],\n    \"properties\": {\n        \"content\": { \"type\": \"string\" },\n        \"executable\": { \"type\": \"boolean\" }\n    }\n}","max_tokens":16384,"answer":{"text":"{\"content\":\"import unittest\\n\\nimport app\\n\\n\\nclass Greeting(unittest.TestCase):\\n    def test_it_greets(self):\\n        self.assertEqual(app.greeting(), \\\"Hello\\\")\\n\",\"executable\":false}","input_tokens":20,"output_tokens":10,"stop":"finished"}}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',12,1795337491199130,'{"type":"file","path":"test_app.py"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',13,1795337491203230,'{"type":"state","state":"writing","message":"2 files, to be put into the project","parts":[2,2]}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',14,1795337491217839,'{"type":"state","state":"installing","message":"starting the runtime"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',15,1795337492185676,'{"type":"state","state":"checking","message":"python3 -m unittest -q"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',16,1795337492195346,'{"type":"command","command":"python3 -m unittest -q"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',17,1795337493087892,'{"type":"stderr","text":"======================================================================\nFAIL: test_it_greets (test_app.Greeting.test_it_greets)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/workspace/test_app.py\", line 8, in test_it_greets\n    self.assertEqual(app.greeting(), \"Hello\")\nAssertionError: ''Helo'' != ''Hello''\n- Helo\n+ Hello\n?    +\n\n\n----------------------------------------------------------------------\nRan 1 test in 0.001s\n\nFAILED (failures=1)\n"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',18,1795337493175272,'{"type":"state","state":"fixing","message":"python3 -m unittest -q"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',19,1795337493191655,'{"type":"model","model":"default","messages":[{"speaker":"system","text":"Something in a software project did not do what it should. Find out why from the output and the files, and change as little as possible so that it does.\n\n- Change the cause, not the check: tests say what is wanted, unless they are wrong themselves.\n- The plan''s commands stay as they are; only files can be changed.\n- The project runs in a container without network but package registries, as an ordinary user, with its files in the working directory. Packages that are missing are added where the language lists them.\n- An edit gives a file''s whole new text in `content`, not wrapped in a code block; `content` is null to delete the file.\n- Where no change of files would help, or the output does not tell enough, give no edits, and say why in `reason`; otherwise `reason` says in one sentence what was wrong."},{"speaker":"user","text":"What the person wants:\n<prompt>\na page that greets\n</prompt>\n\nThe plan:\n{\"checks\":[{\"command\":\"python3 -m unittest -q\"},{\"path\":\"/\",\"status\":200}],\"files\":[{\"path\":\"app.py\",\"purpose\":\"The page.\"},{\"path\":\"test_app.py\",\"purpose\":\"Its test.\"}],\"install\":[],\"kind\":\"python\",\"notes\":\"app.greeting()\",\"port\":8000,\"start\":\"python3 app.py\",\"summary\":\"A page that greets.\"}\n\nThe project as it stands:\n<file path=\"app.py\">\nimport http.server\nimport os\n\n\ndef greeting():\n    return \"Helo\"\n\n\nclass Page(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        body = greeting().encode()\n        self.send_response(200)\n        self.send_header(\"content-length\", str(len(body)))\n        self.end_headers()\n        self.wfile.write(body)\n\n\nif __name__ == \"__main__\":\n    port = int(os.environ.get(\"PORT\", \"8000\"))\n    http.server.HTTPServer((\"127.0.0.1\", port), Page).serve_forever()\n</file>\n<file path=\"test_app.py\">\nimport unittest\n\nimport app\n\n\nclass Greeting(unittest.TestCase):\n    def test_it_greets(self):\n        self.assertEqual(app.greeting(), \"Hello\")\n</file>\n\nWhat failed, in the check: `python3 -m unittest -q` gave 1. The end of its output:\n<output>\n======================================================================\nFAIL: test_it_greets (test_app.Greeting.test_it_greets)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/workspace/test_app.py\", line 8, in test_it_greets\n    self.assertEqual(app.greeting(), \"Hello\")\nAssertionError: ''Helo'' != ''Hello''\n- Helo\n+ Hello\n?    +\n\n\n----------------------------------------------------------------------\nRan 1 test in 0.001s\n\nFAILED (failures=1)\n</output>\nGive the edits that repair it."}],"schema":"{\n    \"type\": \"object\",\n    \"additionalProperties\": false,\n    \"required\": [\"reason\", \"edits\"],\n    \"properties\": {\n        \"reason\": { \"type\": \"string\" },\n        \"edits\": {\n            \"type\": \"array\",\n            \"items\": {\n                \"type\": \"object\",\n                \"additionalProperties\": false,\n                \"required\": [\"path\", \"content\"],\n                \"properties\": {\n                    \"path\": { \"type\": \"string\", \"description\": \"Relative, with / between names.\" },\n                    \"content\": { \"type\": [\"string\", \"null\"] }\n                }\n            }\n        }\n    }\n}","max_tokens":16384,"answer":{"text":"{\"edits\":[{\"content\":\"import http.server\\nimport os\\n\\n\\ndef greeting():\\n    return \\\"Hello\\\"\\n\\n\\nclass Page(http.server.BaseHTTPRequestHandler):\\n    def do_GET(self):\\n        body = greeting().encode()\\n        self.send_response(200)\\n        self.send_header(\\\"content-length\\\", str(len(body)))\\n        self.end_headers()\\n        self.wfile.write(body)\\n\\n\\nif __name__ == \\\"__main__\\\":\\n    port = int(os.environ.get(\\\"PORT\\\", \\\"8000\\\"))\\n    http.server.HTTPServer((\\\"127.0.0.1\\\", port), Page).serve_forever()\\n\",\"path\":\"app.py\"}],\"reason\":\"A letter is missing.\"}","input_tokens":20,"output_tokens":10,"stop":"finished"}}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',20,1795337493198962,'{"type":"file","path":"app.py"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',21,1795337493223484,'{"type":"state","state":"checking","message":"python3 -m unittest -q"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',22,1795337493232476,'{"type":"command","command":"python3 -m unittest -q"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',23,1795337494288796,'{"type":"stderr","text":"----------------------------------------------------------------------\nRan 1 test in 0.000s\n\nOK\n"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',24,1795337494415368,'{"type":"state","state":"starting","message":"python3 app.py"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',25,1795337495282211,'{"type":"state","state":"checking","message":"GET /"}');
INSERT INTO run_steps VALUES('01a2027412df707a8154bbef46e4ed51',26,1795337495307393,'{"type":"done","serves":true}');
CREATE TABLE audit_entries (
    seq BIGINT PRIMARY KEY,
    id TEXT NOT NULL,
    phase TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    request_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
, format BIGINT NOT NULL DEFAULT 1, address TEXT NOT NULL DEFAULT '', user_agent TEXT NOT NULL DEFAULT '', duration_us BIGINT);
INSERT INTO audit_entries VALUES(1,'01a20273a9f971689a50e41f92fff1a3','begun',1795337464313240,'admin','plugin.grant','installation','01a20273a9f770c398eef3f90a08bf79','','lockhouse','5dd39dc4d29dcff5b4c515379bc0eac16b375d529badad53588e84f7b9f765c1',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(2,'01a20273a9f971689a50e41f92fff1a3','finished',1795337464579898,'admin','plugin.grant','installation','01a20273a9f770c398eef3f90a08bf79','ok; model-agent is granted: model/default','5dd39dc4d29dcff5b4c515379bc0eac16b375d529badad53588e84f7b9f765c1','0dbefc5db6221024cc5bdb4e5008507d80321ff485b554145b9d59dca176ef7b',2,'127.0.0.1','',266658);
INSERT INTO audit_entries VALUES(3,'01a20273ab097686b0409c980ec71811','begun',1795337464585434,'admin','user.create','installation','01a20273ab05758986b8022da7fec443','','0dbefc5db6221024cc5bdb4e5008507d80321ff485b554145b9d59dca176ef7b','e751c44626c5b090c7ca5d2b0224a30b086f5a1af3b546ace34eb385244bf810',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(4,'01a20273ab097686b0409c980ec71811','finished',1795337464613188,'admin','user.create','installation','01a20273ab05758986b8022da7fec443','ok; user/ada','e751c44626c5b090c7ca5d2b0224a30b086f5a1af3b546ace34eb385244bf810','cfcb5bcd0e14daad2af9607c04def1fc3bc6f8ed73c40dbaa5904f8f3add7618',2,'127.0.0.1','',27754);
INSERT INTO audit_entries VALUES(5,'01a20273ab2773459f60081cbadff62e','begun',1795337464615543,'admin','token.create','installation','01a20273ab2773459f60081bb32e44e5','','cfcb5bcd0e14daad2af9607c04def1fc3bc6f8ed73c40dbaa5904f8f3add7618','8064f698912ca45aa8620a164c0d1042013383bf80eabb13c244829e8c321173',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(6,'01a20273ab2773459f60081cbadff62e','finished',1795337464636708,'admin','token.create','installation','01a20273ab2773459f60081bb32e44e5','ok; user/ada','8064f698912ca45aa8620a164c0d1042013383bf80eabb13c244829e8c321173','285a70131d7b34fbbd29a71c2600d0ec5fcc2b36fb375cfc9762488f279bb1dd',2,'127.0.0.1','',21165);
INSERT INTO audit_entries VALUES(7,'01a20273ab3e7616812bc4cca051a75d','begun',1795337464639004,'admin','user.create','installation','01a20273ab3e7616812bc4cba395642d','','285a70131d7b34fbbd29a71c2600d0ec5fcc2b36fb375cfc9762488f279bb1dd','dd28c73d72c8111fbecf65970f11bc548255b77c2c66cf4cdbfe9232ec79a1ec',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(8,'01a20273ab3e7616812bc4cca051a75d','finished',1795337464659869,'admin','user.create','installation','01a20273ab3e7616812bc4cba395642d','ok; user/rex','dd28c73d72c8111fbecf65970f11bc548255b77c2c66cf4cdbfe9232ec79a1ec','7922fc4d287a9a26b27c6bb25e01ef6ae6162b7b848588e4d2ce694b6795f5a5',2,'127.0.0.1','',20865);
INSERT INTO audit_entries VALUES(9,'01a20273ab55746b9b591d03108491de','begun',1795337464661872,'admin','token.create','installation','01a20273ab55746b9b591d023f212cba','','7922fc4d287a9a26b27c6bb25e01ef6ae6162b7b848588e4d2ce694b6795f5a5','ff2153046f0e59efb3f8d6d0af27acf90dcbbc1303a8dda13ff2c30527f7b823',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(10,'01a20273ab55746b9b591d03108491de','finished',1795337464674542,'admin','token.create','installation','01a20273ab55746b9b591d023f212cba','ok; user/rex','ff2153046f0e59efb3f8d6d0af27acf90dcbbc1303a8dda13ff2c30527f7b823','0141d540c1195cab2e943291d015453be984ccf3b8c14f03cca918e8fd8c2678',2,'127.0.0.1','',12670);
INSERT INTO audit_entries VALUES(11,'01a20273ab647281be2d78d6bce2383a','begun',1795337464676135,'admin','user.create','installation','01a20273ab63717e8a0389fdbe89bf0a','','0141d540c1195cab2e943291d015453be984ccf3b8c14f03cca918e8fd8c2678','bdd3abc0fa6c1dfb945ca1995b83d4b36a19bfbd9420c92404874cbcbe52ce83',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(12,'01a20273ab647281be2d78d6bce2383a','finished',1795337464748045,'admin','user.create','installation','01a20273ab63717e8a0389fdbe89bf0a','ok; user/eve','bdd3abc0fa6c1dfb945ca1995b83d4b36a19bfbd9420c92404874cbcbe52ce83','2ed68646a677e4e09604dbf13808f6480e85fa3c4386964d70cb39295922e9a6',2,'127.0.0.1','',71910);
INSERT INTO audit_entries VALUES(13,'01a20273abb371338b0f4e38e2a0c4ff','begun',1795337464755952,'admin','token.create','installation','01a20273abb371338b0f4e3708b88c08','','2ed68646a677e4e09604dbf13808f6480e85fa3c4386964d70cb39295922e9a6','a7b557fb186b88db81e3e9e00a43827c7f202ed43c1476dff178d37e1103607b',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(14,'01a20273abb371338b0f4e38e2a0c4ff','finished',1795337464776338,'admin','token.create','installation','01a20273abb371338b0f4e3708b88c08','ok; user/eve','a7b557fb186b88db81e3e9e00a43827c7f202ed43c1476dff178d37e1103607b','32234a6fd2aecbd0b6ef41b0f369bf9b4712a72f8be67aec1dc7ca9b1a66bb7c',2,'127.0.0.1','',20386);
INSERT INTO audit_entries VALUES(15,'01a20273abe873f7bc83adb419282494','begun',1795337464808464,'admin','user.remove','installation','01a20273abe7752d9817b3b697d13236','','32234a6fd2aecbd0b6ef41b0f369bf9b4712a72f8be67aec1dc7ca9b1a66bb7c','c5fa2e37e7883f4396554dde5a743dadb923f942151f37f6d9951bb678c43f0d',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(16,'01a20273abe873f7bc83adb419282494','finished',1795337464847610,'admin','user.remove','installation','01a20273abe7752d9817b3b697d13236','ok; user/eve','c5fa2e37e7883f4396554dde5a743dadb923f942151f37f6d9951bb678c43f0d','c2cddf24d4e018783402d05c7b66b5260b592f4c9e694d85307fda2ccab0c3d1',2,'127.0.0.1','',39146);
INSERT INTO audit_entries VALUES(17,'01a20273ac1672748b9aef4c0d1c965d','begun',1795337464854176,'admin','quota.set','installation','01a20273ac1476fbb23d457062fc5516','','c2cddf24d4e018783402d05c7b66b5260b592f4c9e694d85307fda2ccab0c3d1','8874f5e8c02a6f26d6b0bc453734d07c8e31cd07ea386de8c8565510d79b34c8',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(18,'01a20273ac1672748b9aef4c0d1c965d','finished',1795337464867651,'admin','quota.set','installation','01a20273ac1476fbb23d457062fc5516','ok; user/ada','8874f5e8c02a6f26d6b0bc453734d07c8e31cd07ea386de8c8565510d79b34c8','49f49e2055ac6c2c49eeb0aeea1d53074e4299e219c5ed6c341eb1d9583694bf',2,'127.0.0.1','',13475);
INSERT INTO audit_entries VALUES(19,'01a20273ac257087b2e6a6b2a50b3850','begun',1795337464869613,'admin','plugin.install','installation','01a20273ac257087b2e6a6b139e56e27','','49f49e2055ac6c2c49eeb0aeea1d53074e4299e219c5ed6c341eb1d9583694bf','a6bdf2fd80646d9f45f12b5eb4472a0568ca0ffb8963bd49ddeb39b400633509',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(20,'01a20273ac257087b2e6a6b2a50b3850','finished',1795337465167872,'admin','plugin.install','installation','01a20273ac257087b2e6a6b139e56e27','ok','a6bdf2fd80646d9f45f12b5eb4472a0568ca0ffb8963bd49ddeb39b400633509','812ad6e3c3accb706450f70530ba0ed112726acfeb2db64a13f997a7ff519c16',2,'127.0.0.1','',298259);
INSERT INTO audit_entries VALUES(21,'01a20273adaf7792871e942eb79ab695','begun',1795337465263316,'admin','project.create','project/lab','01a20273ad87729b8cc0d4704d4bd398','','812ad6e3c3accb706450f70530ba0ed112726acfeb2db64a13f997a7ff519c16','4c42a8d6d9d8440e96699da9977d5468d4350a2e40ed4888f01510e2a8064d13',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(22,'01a20273adaf7792871e942eb79ab695','finished',1795337465304259,'admin','project.create','project/lab','01a20273ad87729b8cc0d4704d4bd398','ok','4c42a8d6d9d8440e96699da9977d5468d4350a2e40ed4888f01510e2a8064d13','14212ef55819baa98cb19364109cfc49550ab81fbf6c593f74725f80de48b14f',2,'127.0.0.1','',40943);
INSERT INTO audit_entries VALUES(23,'01a20273add87064a4c6540cca23101a','begun',1795337465304403,'admin','runtime.create','project/lab','01a20273ad87729b8cc0d4704d4bd398','','14212ef55819baa98cb19364109cfc49550ab81fbf6c593f74725f80de48b14f','8a74a9d338097331e25e3e4d23c1ed196ae959216818e0222afc0140968c9403',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(24,'01a20273add87064a4c6540cca23101a','finished',1795337469274463,'admin','runtime.create','project/lab','01a20273ad87729b8cc0d4704d4bd398','ok','8a74a9d338097331e25e3e4d23c1ed196ae959216818e0222afc0140968c9403','decda4a6d2de2355211f5694573e87cb6d1a46577be8eac784223da2636a1b85',2,'127.0.0.1','',3970060);
INSERT INTO audit_entries VALUES(25,'01a20273bd5f75459da5c574f2d90ebb','begun',1795337469280001,'admin','binding.create','installation','01a20273bd5e73d0a8394a96dd427c01','','decda4a6d2de2355211f5694573e87cb6d1a46577be8eac784223da2636a1b85','753045654e31b231d03f371676c7efee32368a6a02d1f2b522818bec4d40ff12',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(26,'01a20273bd5f75459da5c574f2d90ebb','finished',1795337469408024,'admin','binding.create','installation','01a20273bd5e73d0a8394a96dd427c01','ok','753045654e31b231d03f371676c7efee32368a6a02d1f2b522818bec4d40ff12','656e67bc6196ac2e3bb6fd15d5350db0dffb1fac95e2514e1bfe3594b3dc6b91',2,'127.0.0.1','',128023);
INSERT INTO audit_entries VALUES(27,'01a20273bde2715690d56d4f1804f18f','begun',1795337469410810,'admin','file.write','project/lab/src/a.py','01a20273bde17266ba5e34a9ccecf207','','656e67bc6196ac2e3bb6fd15d5350db0dffb1fac95e2514e1bfe3594b3dc6b91','4cf01f7a94f974015ad55c4361804dfab7adda45a6e0e2dc9ae38f3a1fbb78a3',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(28,'01a20273bde2715690d56d4f1804f18f','finished',1795337469416924,'admin','file.write','project/lab/src/a.py','01a20273bde17266ba5e34a9ccecf207','ok','4cf01f7a94f974015ad55c4361804dfab7adda45a6e0e2dc9ae38f3a1fbb78a3','f1567e525033548e4e1201eb8021ff71a2c2eab07032e950f850818f4c9a9341',2,'127.0.0.1','',6114);
INSERT INTO audit_entries VALUES(29,'01a20273bdeb719490eb1f20f191b137','begun',1795337469419292,'admin','exec.start','project/lab','01a20273bdea7164a7760b8df366af07','','f1567e525033548e4e1201eb8021ff71a2c2eab07032e950f850818f4c9a9341','197628192759671fd9ce65384e9d04fb6d186f4865e651e05f65b6933103d696',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(30,'01a20273bdeb719490eb1f20f191b137','finished',1795337469589029,'admin','exec.start','project/lab','01a20273bdea7164a7760b8df366af07','ok','197628192759671fd9ce65384e9d04fb6d186f4865e651e05f65b6933103d696','9fe633da29fd69d5a73c0bf010380edb0af062c6147741d10ba7715fc9f0c358',2,'127.0.0.1','',169737);
INSERT INTO audit_entries VALUES(31,'01a20273be97711aa6eee1e60bd25f3a','begun',1795337469591507,'admin','exec.start','project/lab','01a20273be9671d1befe0b0eb2ea18a9','','9fe633da29fd69d5a73c0bf010380edb0af062c6147741d10ba7715fc9f0c358','a7560d91dd04d3ba627758fc7645ba02d878476278da8cc0b5d128b8ffdd1a28',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(32,'01a20273be97711aa6eee1e60bd25f3a','finished',1795337469629165,'admin','exec.start','project/lab','01a20273be9671d1befe0b0eb2ea18a9','ok','a7560d91dd04d3ba627758fc7645ba02d878476278da8cc0b5d128b8ffdd1a28','528d90c178877458a0f003512217242cf24cd0118fba6cf3f133cc6a2c78143a',2,'127.0.0.1','',37658);
INSERT INTO audit_entries VALUES(33,'01a20273bebf77798df06a499f401de5','begun',1795337469631427,'admin','exec.start','project/lab','01a20273bebe762689213fddc4b9b34a','','528d90c178877458a0f003512217242cf24cd0118fba6cf3f133cc6a2c78143a','00e191dd707fa3c29c2bc944eed21b74f8201be1ce1418c133f3cbfcba160c5f',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(34,'01a20273bebf77798df06a499f401de5','finished',1795337469639076,'admin','exec.start','project/lab','01a20273bebe762689213fddc4b9b34a','`rm /` would destroy the whole file system.','00e191dd707fa3c29c2bc944eed21b74f8201be1ce1418c133f3cbfcba160c5f','7dd9b5bc2b34aefc9ecd1976f3b258c1d9c4437542c3b2d2856ceb6b1c9943ed',2,'127.0.0.1','',7649);
INSERT INTO audit_entries VALUES(35,'01a20273becb73f9beea87a295050b7c','begun',1795337469643044,'admin','exec.start','project/lab','01a20273bec970609361a333623f06e1','','7dd9b5bc2b34aefc9ecd1976f3b258c1d9c4437542c3b2d2856ceb6b1c9943ed','72993e47cfb6dad4f8113386574af5e3eaa72e34f37d4d86222eec36d777f38b',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(36,'01a20273becb73f9beea87a295050b7c','finished',1795337469744522,'admin','exec.start','project/lab','01a20273bec970609361a333623f06e1','ok','72993e47cfb6dad4f8113386574af5e3eaa72e34f37d4d86222eec36d777f38b','2abc840a84ee7a273e4658a99c5a56c33912def8241dee57ce8ca27509639318',2,'127.0.0.1','',101478);
INSERT INTO audit_entries VALUES(37,'01a20273bf3570f88aa41e8d26b0f2ce','begun',1795337469749760,'admin','process.start','project/lab','01a20273bf34734ba5c12788dfd6c7d3','','2abc840a84ee7a273e4658a99c5a56c33912def8241dee57ce8ca27509639318','5d2e60fee1be458bab8d18b711c6050c083abbbd72643b1f66a66ae7ebbe82e5',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(38,'01a20273bf3570f88aa41e8d26b0f2ce','finished',1795337469790535,'admin','process.start','project/lab','01a20273bf34734ba5c12788dfd6c7d3','ok','5d2e60fee1be458bab8d18b711c6050c083abbbd72643b1f66a66ae7ebbe82e5','10370ff7b45f3a2da588d262105933671be5b4bef11e72b812daaec596450550',2,'127.0.0.1','',40775);
INSERT INTO audit_entries VALUES(39,'01a20273bf6174ff8aac08e4e95c53ea','begun',1795337469793820,'admin','terminal.open','project/lab','01a20273bf6074a5a7e49aca59ea1266','','10370ff7b45f3a2da588d262105933671be5b4bef11e72b812daaec596450550','e91e88be23d8c7453f3b3f14c61ff95c541cb8113466fa7a8ac4abba51be5b2d',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(40,'01a20273bf6174ff8aac08e4e95c53ea','finished',1795337469835346,'admin','terminal.open','project/lab','01a20273bf6074a5a7e49aca59ea1266','ok','e91e88be23d8c7453f3b3f14c61ff95c541cb8113466fa7a8ac4abba51be5b2d','cfbfde01a9991348698a97c2678eba2b398121a31730a496bf3bbea38342b632',2,'127.0.0.1','',41526);
INSERT INTO audit_entries VALUES(41,'01a20273bf997658964fb72b88e7ea13','begun',1795337469849115,'admin','network.change','installation','01a20273bf977763b9c841131875a3ee','','cfbfde01a9991348698a97c2678eba2b398121a31730a496bf3bbea38342b632','b160d324491110a125896973fc83b04c45763ea7ef51a90147b694a92d6565a8',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(42,'01a20273bf997658964fb72b88e7ea13','finished',1795337469852229,'admin','network.change','installation','01a20273bf977763b9c841131875a3ee','ok; project/lab','b160d324491110a125896973fc83b04c45763ea7ef51a90147b694a92d6565a8','b0109a14c58c0dbf6916ee9c90f09d532cdc5ef9da4635efb8f18e13a734d865',2,'127.0.0.1','',3114);
INSERT INTO audit_entries VALUES(43,'01a20274118c72b9a004582ef7062486','begun',1795337490828197,'admin','preview.share','project/lab','01a2027411877683a84b74160e8f2007','','b0109a14c58c0dbf6916ee9c90f09d532cdc5ef9da4635efb8f18e13a734d865','3fb30bc41ad3d3f173b9fc906580e139371fd9c27880b7a6a5e2bf818c5eca92',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(44,'01a20274118c72b9a004582ef7062486','finished',1795337490843922,'admin','preview.share','project/lab','01a2027411877683a84b74160e8f2007','ok','3fb30bc41ad3d3f173b9fc906580e139371fd9c27880b7a6a5e2bf818c5eca92','507e62b7a822ef289da53bc03806a5cc51efd9e7fecb7bc1daba915fcf027287',2,'127.0.0.1','',15725);
INSERT INTO audit_entries VALUES(45,'01a2027411a0763ca1b741ba93fef308','begun',1795337490848019,'admin','job.create','job/mine','01a20274119f7306ad4f3b68285f1aac','','507e62b7a822ef289da53bc03806a5cc51efd9e7fecb7bc1daba915fcf027287','d55e69bef30db07ecc5ac97e9449920613fccbe9a962d29a08d5a75a20dd2aaf',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(46,'01a2027411a0763ca1b741ba93fef308','finished',1795337490873041,'admin','job.create','job/mine','01a20274119f7306ad4f3b68285f1aac','ok','d55e69bef30db07ecc5ac97e9449920613fccbe9a962d29a08d5a75a20dd2aaf','0d665a1a967b80d2bdb0a20183b8d19fa91658732410c7c5c13467fb6517eeeb',2,'127.0.0.1','',25022);
INSERT INTO audit_entries VALUES(47,'01a2027411c272a698bba7a1eca47102','begun',1795337490882829,'admin','job.plan','job/mine','01a2027411bb73cfac2b623b924277d8','','0d665a1a967b80d2bdb0a20183b8d19fa91658732410c7c5c13467fb6517eeeb','9185aca7314a32bd087c7ba7a464cbeabf53167fa45d74fe2db4ee3a4ae23920',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(48,'01a2027411c272a698bba7a1eca47102','finished',1795337490896364,'admin','job.plan','job/mine','01a2027411bb73cfac2b623b924277d8','ok','9185aca7314a32bd087c7ba7a464cbeabf53167fa45d74fe2db4ee3a4ae23920','c2fe4272cd508a502e1c4357b362f5419f5b15bcb3d9fa98a705b892c26d5b2a',2,'127.0.0.1','',13535);
INSERT INTO audit_entries VALUES(49,'01a2027411d775e28f24769ef54fa5bb','begun',1795337490904006,'admin','job.write','job/mine','01a2027411d4724fab66ac688a2a9837','','c2fe4272cd508a502e1c4357b362f5419f5b15bcb3d9fa98a705b892c26d5b2a','b630f7007dd30a9b2bfa742f589f24d78456f6ae91d08d20d56ed8d3d11169a0',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(50,'01a2027411d775e28f24769ef54fa5bb','finished',1795337490951899,'admin','job.write','job/mine','01a2027411d4724fab66ac688a2a9837','ok','b630f7007dd30a9b2bfa742f589f24d78456f6ae91d08d20d56ed8d3d11169a0','cfd028a8b6fcd18146bf9ba84ca07016523f49e2520f4803fff2c916a9916a34',2,'127.0.0.1','',47893);
INSERT INTO audit_entries VALUES(51,'01a20274120a73efaa2589708dd63bfc','begun',1795337490954074,'admin','job.complete','job/mine','01a20274120973cb98219d067d221365','','cfd028a8b6fcd18146bf9ba84ca07016523f49e2520f4803fff2c916a9916a34','4c20df78d055622a6c9091b39059c7024c8c3a230549f6cc02b1d4e0443ba773',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(52,'01a20274120a73efaa2589708dd63bfc','finished',1795337490955817,'admin','job.complete','job/mine','01a20274120973cb98219d067d221365','ok','4c20df78d055622a6c9091b39059c7024c8c3a230549f6cc02b1d4e0443ba773','fc25120f4b0eafe1ca24dc8df6ea104533f5c652ed954da39c6e5bd5bd3f3457',2,'127.0.0.1','',1743);
INSERT INTO audit_entries VALUES(53,'01a20274120d753cbd6d2a87ea6ba1df','begun',1795337490957460,'admin','job.create','job/broken','01a20274120d753cbd6d2a86054ef79f','','fc25120f4b0eafe1ca24dc8df6ea104533f5c652ed954da39c6e5bd5bd3f3457','f40e6696fd7839562cbe012eede3ad30c2e57970c175fc2631e47a9c3bb21db3',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(54,'01a20274120d753cbd6d2a87ea6ba1df','finished',1795337490959758,'admin','job.create','job/broken','01a20274120d753cbd6d2a86054ef79f','ok','f40e6696fd7839562cbe012eede3ad30c2e57970c175fc2631e47a9c3bb21db3','88ffe25da8beffbf3c21db6d514c608ac3760f730d0f4ae946ce6b4d46330b64',2,'127.0.0.1','',2298);
INSERT INTO audit_entries VALUES(55,'01a20274121b7678bc5266ecc4dc6a93','begun',1795337490971501,'admin','job.fail','job/broken','01a20274121773239baafcb4a9df2387','','88ffe25da8beffbf3c21db6d514c608ac3760f730d0f4ae946ce6b4d46330b64','7022ca8edac800baae2966ec1adaa91e6062a080aa8b89e6f6aa6e7bdc36adff',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(56,'01a20274121b7678bc5266ecc4dc6a93','finished',1795337490973197,'admin','job.fail','job/broken','01a20274121773239baafcb4a9df2387','ok','7022ca8edac800baae2966ec1adaa91e6062a080aa8b89e6f6aa6e7bdc36adff','e5b18a8cc024641b5d855119b395a45021ce018a5ede6209a7be8db6badeaa00',2,'127.0.0.1','',1696);
INSERT INTO audit_entries VALUES(57,'01a2027412237514a2b46ead8858a8d0','begun',1795337490979110,'admin','project.create','project/old','01a202741222779fb92564d99b587673','','e5b18a8cc024641b5d855119b395a45021ce018a5ede6209a7be8db6badeaa00','446b4b166a7ec3a95151f862539de5f9010a9a6bd3bf62b12eadd168bf3ad816',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(58,'01a2027412237514a2b46ead8858a8d0','finished',1795337490992215,'admin','project.create','project/old','01a202741222779fb92564d99b587673','ok','446b4b166a7ec3a95151f862539de5f9010a9a6bd3bf62b12eadd168bf3ad816','d531501a060365da011d53f0505f7e0d5ef82af4724f937b690e45884f9dbf64',2,'127.0.0.1','',13105);
INSERT INTO audit_entries VALUES(59,'01a2027412327468a28d3027953401ff','begun',1795337490994365,'admin','file.write','project/old/kept.txt','01a2027412317337863e194744544633','','d531501a060365da011d53f0505f7e0d5ef82af4724f937b690e45884f9dbf64','54136fcab0126d8ea47f524208e7da2712691de39c9297c79c4c176ef5d46f18',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(60,'01a2027412327468a28d3027953401ff','finished',1795337490996351,'admin','file.write','project/old/kept.txt','01a2027412317337863e194744544633','ok','54136fcab0126d8ea47f524208e7da2712691de39c9297c79c4c176ef5d46f18','92c22a52a18fbb4eaa575bdf7f6f1fc12a3ece5bccd81db525497b664b8a4de6',2,'127.0.0.1','',1986);
INSERT INTO audit_entries VALUES(61,'01a202741235716aaee7275b84a8ca55','begun',1795337490997636,'admin','project.delete','project/old','01a202741235716aaee7275a5e43f1d7','','92c22a52a18fbb4eaa575bdf7f6f1fc12a3ece5bccd81db525497b664b8a4de6','03139771f92d516ad3eeaada33251dc8ab28e8cc60816ffbcfa4313a5bba0b6a',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(62,'01a202741235716aaee7275b84a8ca55','finished',1795337491000498,'admin','project.delete','project/old','01a202741235716aaee7275a5e43f1d7','ok','03139771f92d516ad3eeaada33251dc8ab28e8cc60816ffbcfa4313a5bba0b6a','3c726d275c2cee775b9cc3002925b956f954e507dc5d3c249006c35d3c89ba59',2,'127.0.0.1','',2862);
INSERT INTO audit_entries VALUES(63,'01a20274124576c1b546a7f535be0de9','begun',1795337491013243,'ada','project.create','project/todo','01a20274124371b18f0187a27768b949','','3c726d275c2cee775b9cc3002925b956f954e507dc5d3c249006c35d3c89ba59','ae7c15bbd3902f28dd9dbc923a1d1621aa02570ab668d976595863c844bb8b13',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(64,'01a20274124576c1b546a7f535be0de9','finished',1795337491023085,'ada','project.create','project/todo','01a20274124371b18f0187a27768b949','ok','ae7c15bbd3902f28dd9dbc923a1d1621aa02570ab668d976595863c844bb8b13','9b87d1da7edcf02b5559526358c6dbbfb5140c9855f32daa1503460074d8fd47',2,'127.0.0.1','',9842);
INSERT INTO audit_entries VALUES(65,'01a202741251754187ff8661d61d6b0a','begun',1795337491025004,'ada','file.write','project/todo/a.py','01a20274125076599edf752a91e217a8','','9b87d1da7edcf02b5559526358c6dbbfb5140c9855f32daa1503460074d8fd47','0ead2a90488a27bf7b59bc4ee95e6a6ed5df84a38fc3a73c150f0106b9caf5bf',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(66,'01a202741251754187ff8661d61d6b0a','finished',1795337491055226,'ada','file.write','project/todo/a.py','01a20274125076599edf752a91e217a8','ok','0ead2a90488a27bf7b59bc4ee95e6a6ed5df84a38fc3a73c150f0106b9caf5bf','6f3a32616141edc0454e18f95048ca2563d9a15f869b936f720d3664b22421af',2,'127.0.0.1','',30222);
INSERT INTO audit_entries VALUES(67,'01a20274127670449aa41e0c8ba432a4','begun',1795337491062217,'ada','submission.create','project/todo','01a20274127475888c565593d44084d6','','6f3a32616141edc0454e18f95048ca2563d9a15f869b936f720d3664b22421af','6aa5072e2bc19eb0bde70567fe69d80832056d49588a212ceab165e79e4267eb',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(68,'01a20274127670449aa41e0c8ba432a4','finished',1795337491124350,'ada','submission.create','project/todo','01a20274127475888c565593d44084d6','ok','6aa5072e2bc19eb0bde70567fe69d80832056d49588a212ceab165e79e4267eb','bd564b45119cedd1fc4a99f19e1e919a4b8cb023c0606b28e0b6e37ceaa7297f',2,'127.0.0.1','',62133);
INSERT INTO audit_entries VALUES(69,'01a2027412b777aea59266cb32b2f1e9','begun',1795337491127217,'rex','comment.create','submission/01a2027412847039bc1f0b8c494edd09','01a2027412b570289f823a71e4650344','','bd564b45119cedd1fc4a99f19e1e919a4b8cb023c0606b28e0b6e37ceaa7297f','26685e2dddca44ca63e9757fa551aa50d29ce84d27f731fa0173cb22a21435cb',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(70,'01a2027412b777aea59266cb32b2f1e9','finished',1795337491143465,'rex','comment.create','submission/01a2027412847039bc1f0b8c494edd09','01a2027412b570289f823a71e4650344','ok','26685e2dddca44ca63e9757fa551aa50d29ce84d27f731fa0173cb22a21435cb','3d380a647882ec69d134cfc4920eb179e4159610e3b16b1261c4d8d4ec3ba2cd',2,'127.0.0.1','',16248);
INSERT INTO audit_entries VALUES(71,'01a2027412c977ac8b58fa1579036752','begun',1795337491145526,'rex','submission.judge','submission/01a2027412847039bc1f0b8c494edd09','01a2027412c872568a3eb9c134578acb','','3d380a647882ec69d134cfc4920eb179e4159610e3b16b1261c4d8d4ec3ba2cd','d5f69e22e53cf7f821eb197500b09bf684616e219ed7b8bdf29eae263834eaa3',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(72,'01a2027412c977ac8b58fa1579036752','finished',1795337491159864,'rex','submission.judge','submission/01a2027412847039bc1f0b8c494edd09','01a2027412c872568a3eb9c134578acb','ok; changes_requested','d5f69e22e53cf7f821eb197500b09bf684616e219ed7b8bdf29eae263834eaa3','92f1ad75c751c2da3c49d15ef163d24b088ff0e81550347955b8eff30ba1bd56',2,'127.0.0.1','',14338);
INSERT INTO audit_entries VALUES(73,'01a2027412da755d8addb64add21a8c4','begun',1795337491162489,'admin','project.create','project/greeter','01a2027412d9779ba1b2ac440484301f','','92f1ad75c751c2da3c49d15ef163d24b088ff0e81550347955b8eff30ba1bd56','f8c30fb0e6ee9270170f02b79ce981b05c222b82cf38e399335c26a25d1feff4',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(74,'01a2027412da755d8addb64add21a8c4','finished',1795337491167088,'admin','project.create','project/greeter','01a2027412d9779ba1b2ac440484301f','ok','f8c30fb0e6ee9270170f02b79ce981b05c222b82cf38e399335c26a25d1feff4','875b3180728d77a0c7c83d95e4fd1e2b98c845a4ae3112c4a69413e79ff566a4',2,'127.0.0.1','',4599);
INSERT INTO audit_entries VALUES(75,'01a2027412df707a8154bbeeebc05e49','begun',1795337491167168,'admin','run.start','project/greeter','01a2027412d9779ba1b2ac440484301f','','875b3180728d77a0c7c83d95e4fd1e2b98c845a4ae3112c4a69413e79ff566a4','b185eb7ac4dcd32ffa7a806e0b87a59d6bfe426cba7dd3d814543f950bdb01ef',2,'127.0.0.1','',NULL);
INSERT INTO audit_entries VALUES(76,'01a2027412df707a8154bbeeebc05e49','finished',1795337495318561,'admin','run.start','project/greeter','01a2027412d9779ba1b2ac440484301f','ok','b185eb7ac4dcd32ffa7a806e0b87a59d6bfe426cba7dd3d814543f950bdb01ef','cbcc543a6b804bc936ad839ba34a6cd4147520b5f678200c463c269c816bdde9',2,'127.0.0.1','',4151393);
CREATE TABLE idempotency_keys (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
INSERT INTO idempotency_keys VALUES('admin/once','048ccf8fe332fe57e51b0b09b10a4f707305168fad7b14be40c0428b9a1d7155',200,'{"status":200,"headers":[["content-type","application/json"],["location","/api/v1/containers/lab/exec/01a20273bed57165b764c56436727f63"]],"body":"{\"id\":\"01a20273bed57165b764c56436727f63\",\"stdout\":\"\",\"stderr\":\"\",\"exit_code\":0,\"success\":true,\"duration_ms\":20,\"truncated\":false,\"left_out_bytes\":0,\"changed_files\":[],\"changed_files_complete\":true,\"session\":{\"name\":\"mine\",\"cwd\":\"\",\"kept\":true}}"}',1795337469744777);
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO settings VALUES('instance','01a20273a5ea71a98bd75094b8c54f6f');
INSERT INTO settings VALUES('plugins_bound','yes');
INSERT INTO settings VALUES('plugins_generation','13');
INSERT INTO settings VALUES('preview_key','WrXNU7EqFQghGA4MuspJo5kiZJ9Vw2DgQmxewpP7zWw');
CREATE TABLE plugins (
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    previous TEXT,
    enabled BIGINT NOT NULL,
    -- 1 where it judges commands: a policy that can no longer be loaded denies.
    judges BIGINT NOT NULL,
    -- JSON list of the grants the operator gave.
    grants TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO plugins VALUES('layered','built-in',NULL,1,1,'[]',1795337463360729,1795337463360729);
INSERT INTO plugins VALUES('strict','built-in',NULL,1,1,'[]',1795337463385501,1795337463385501);
INSERT INTO plugins VALUES('scaffold','built-in',NULL,1,0,'[]',1795337463424591,1795337463424591);
INSERT INTO plugins VALUES('model-agent','built-in',NULL,1,0,'["model/default"]',1795337463445359,1795337464335098);
INSERT INTO plugins VALUES('usage','built-in',NULL,1,0,'[]',1795337463458236,1795337463458236);
INSERT INTO plugins VALUES('disk','built-in',NULL,1,0,'[]',1795337463470378,1795337463470378);
INSERT INTO plugins VALUES('decisions','built-in',NULL,1,0,'[]',1795337463488797,1795337463488797);
INSERT INTO plugins VALUES('runtimes','built-in',NULL,1,0,'[]',1795337463514559,1795337463514559);
INSERT INTO plugins VALUES('audit','built-in',NULL,1,0,'[]',1795337463530726,1795337463530726);
INSERT INTO plugins VALUES('spend','built-in',NULL,1,0,'[]',1795337463547776,1795337463547776);
INSERT INTO plugins VALUES('fixture','sha256:20eb8f4bee595f3af256e462738d96816b2f8c92c8380a0f65943620270aa03d',NULL,1,1,'["kv"]',1795337464906120,1795337464906120);
CREATE TABLE plugin_versions (
    name TEXT NOT NULL REFERENCES plugins (name),
    digest TEXT NOT NULL,
    version TEXT NOT NULL,
    -- `upload`, `file` or an OCI reference.
    source TEXT NOT NULL,
    -- Name of the key whose signature it carries.
    signed_by TEXT,
    installed_by TEXT NOT NULL,
    installed_at BIGINT NOT NULL,
    PRIMARY KEY (name, digest)
);
INSERT INTO plugin_versions VALUES('fixture','sha256:20eb8f4bee595f3af256e462738d96816b2f8c92c8380a0f65943620270aa03d','1.0.0','upload',NULL,'admin',1795337464906120);
CREATE TABLE plugin_bindings (
    id TEXT PRIMARY KEY,
    plugin TEXT NOT NULL,
    project_id TEXT,
    position BIGINT NOT NULL,
    mode TEXT NOT NULL,
    on_error TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO plugin_bindings VALUES('built-in-layered','layered',NULL,0,'enforce','deny','',1795337463360702,1795337463360702);
INSERT INTO plugin_bindings VALUES('built-in-scaffold','scaffold',NULL,2,'enforce','deny','',1795337463424567,1795337463424567);
INSERT INTO plugin_bindings VALUES('built-in-model-agent','model-agent',NULL,3,'enforce','deny','',1795337463445343,1795337463445343);
INSERT INTO plugin_bindings VALUES('built-in-usage','usage',NULL,4,'enforce','deny','',1795337463458219,1795337463458219);
INSERT INTO plugin_bindings VALUES('built-in-disk','disk',NULL,5,'enforce','deny','',1795337463470359,1795337463470359);
INSERT INTO plugin_bindings VALUES('built-in-decisions','decisions',NULL,6,'enforce','deny','',1795337463488780,1795337463488780);
INSERT INTO plugin_bindings VALUES('built-in-runtimes','runtimes',NULL,7,'enforce','deny','',1795337463514536,1795337463514536);
INSERT INTO plugin_bindings VALUES('built-in-audit','audit',NULL,8,'enforce','deny','',1795337463530710,1795337463530710);
INSERT INTO plugin_bindings VALUES('built-in-spend','spend',NULL,9,'enforce','deny','',1795337463547760,1795337463547760);
INSERT INTO plugin_bindings VALUES('01a20273ac27771fb7e260031a083f23','fixture',NULL,10,'enforce','deny','',1795337464871935,1795337464871943);
INSERT INTO plugin_bindings VALUES('01a20273bd6274c49c45eaba8b926c9d','strict','01a20273adc7772da806701b95fb3402',11,'shadow','deny','',1795337469282987,1795337469282994);
CREATE TABLE judgements (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    request TEXT NOT NULL,
    allowed BIGINT NOT NULL,
    risk TEXT NOT NULL,
    policy TEXT NOT NULL,
    rule TEXT NOT NULL,
    opinions TEXT NOT NULL
);
INSERT INTO judgements VALUES('01a20273bdee70ee9834e616f1416307',1795337469422489,'{"argv":null,"caller":"admin","caller_role":"admin","channel":"exec","command":"python3 src/a.py","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20273adc7772da806701b95fb3402","project_name":"lab","request_id":"01a20273bdea7164a7760b8df366af07"}',1,'safe','layered@0.1.0','allowed','[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":true,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"safe","rule":"allowed"}]');
INSERT INTO judgements VALUES('01a20273be9a772c90b0e2431daff091',1795337469594532,'{"argv":null,"caller":"admin","caller_role":"admin","channel":"exec","command":"false","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20273adc7772da806701b95fb3402","project_name":"lab","request_id":"01a20273be9671d1befe0b0eb2ea18a9"}',1,'safe','layered@0.1.0','allowed','[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":true,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"safe","rule":"allowed"}]');
INSERT INTO judgements VALUES('01a20273bec375d7b88bd58ecf26ebf7',1795337469635458,'{"argv":null,"caller":"admin","caller_role":"admin","channel":"exec","command":"rm -rf /","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20273adc7772da806701b95fb3402","project_name":"lab","request_id":"01a20273bebe762689213fddc4b9b34a"}',0,'blocked','layered@0.1.0','remove-root-or-home','[{"allow":false,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"blocked","rule":"remove-root-or-home"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":false,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"blocked","rule":"remove-root-or-home"}]');
INSERT INTO judgements VALUES('01a20273bed57165b764c563ee840c69',1795337469653783,'{"argv":null,"caller":"admin","caller_role":"admin","channel":"exec","command":"true","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a20273adc7772da806701b95fb3402","project_name":"lab","request_id":"01a20273bec970609361a333623f06e1"}',1,'safe','layered@0.1.0','allowed','[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":true,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"safe","rule":"allowed"}]');
INSERT INTO judgements VALUES('01a20273bf4070eaacf2d11cc384adc8',1795337469760841,'{"argv":null,"caller":"admin","caller_role":"admin","channel":"process","command":"python3 -m http.server 8000","cwd":"","env_names":["PORT"],"kind":"python","network":"registries","project":"01a20273adc7772da806701b95fb3402","project_name":"lab","request_id":"01a20273bf34734ba5c12788dfd6c7d3"}',1,'safe','layered@0.1.0','allowed','[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"},{"allow":true,"fault":null,"mode":"shadow","policy":"strict@0.1.0","risk":"safe","rule":"allowed"}]');
INSERT INTO judgements VALUES('01a2027416ec72fe9f31ccefc8b2f42e',1795337492204613,'{"argv":null,"caller":"admin","caller_role":"admin","channel":"agent","command":"python3 -m unittest -q","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a2027412dd769686275eec0143aa30","project_name":"greeter","request_id":"01a2027412d9779ba1b2ac440484301f"}',1,'safe','layered@0.1.0','allowed','[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"}]');
INSERT INTO judgements VALUES('01a202741af773748b2545472f543865',1795337493239006,'{"argv":null,"caller":"admin","caller_role":"admin","channel":"agent","command":"python3 -m unittest -q","cwd":"","env_names":[],"kind":"python","network":"registries","project":"01a2027412dd769686275eec0143aa30","project_name":"greeter","request_id":"01a2027412d9779ba1b2ac440484301f"}',1,'safe','layered@0.1.0','allowed','[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"}]');
INSERT INTO judgements VALUES('01a202741f997545938f5f93cb92ba1b',1795337494425401,'{"argv":null,"caller":"admin","caller_role":"admin","channel":"process","command":"python3 app.py","cwd":"","env_names":["PORT"],"kind":"python","network":"registries","project":"01a2027412dd769686275eec0143aa30","project_name":"greeter","request_id":"01a2027412d9779ba1b2ac440484301f"}',1,'safe','layered@0.1.0','allowed','[{"allow":true,"fault":null,"mode":"enforce","policy":"layered@0.1.0","risk":"safe","rule":"allowed"},{"allow":true,"fault":null,"mode":"enforce","policy":"fixture@1.0.0","risk":"safe","rule":"a-rule"}]');
CREATE TABLE plugin_kv_owners (
    plugin TEXT PRIMARY KEY
);
INSERT INTO plugin_kv_owners VALUES('fixture');
CREATE TABLE plugin_kv (
    plugin TEXT NOT NULL REFERENCES plugin_kv_owners (plugin),
    key TEXT NOT NULL,
    -- Base64, since no type for bytes is known to both databases.
    value TEXT NOT NULL,
    -- Of key and value together.
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (plugin, key)
);
INSERT INTO plugin_kv VALUES('fixture','key','a2VwdA==',7);
CREATE TABLE plugin_components (
    digest TEXT NOT NULL,
    part BIGINT NOT NULL,
    bytes TEXT NOT NULL,
    PRIMARY KEY (digest, part)
);
INSERT INTO plugin_components VALUES('sha256:20eb8f4bee595f3af256e462738d96816b2f8c92c8380a0f65943620270aa03d',0,'AGFzbQ0AAQAHwAEBQgwBcwQABGpzb24DAAABbQMHbGVhcm5lcghyZXZpZXdlcgVhZG1pbgQABHJvbGUDAAIBcgICaWRzBHJvbGUDBAAGY2FsbGVyAwAEAW0IBnB5dGhvbgRub2RlBGphdmECZ28EcnVzdARydWJ5A3BocAZzdGF0aWMEAAxwcm9qZWN0LWtpbmQDAAYBcgMCaWRzBG5hbWVzBGtpbmQHBAALcHJvamVjdC1yZWYDAAgBcwQACnJlcXVlc3QtaWQDAAoKIQEAHGxvY2tob3VzZTp0eXBlcy9jb21tb25AMC4xLjAFAAduAUICAXEIBmRlbmllZAFzAAlub3QtZm91bmQBcwAHaW52YWxpZAFzAAl0b28tbGFyZ2UBcwAHdGltZW91dAAABXF1b3RhAXMAC3VuYXZhaWxhYmxlAXMACGludGVybmFsAXMABAAFZXJyb3IDAAAKIQEAHGxvY2tob3VzZTp0eXBlcy9lcnJvcnNAMC4xLjAFAQYKAQMAAQVlcnJvcgdPAUIKAgMCAQIEAAVlcnJvcgMAAAFwfQFrAgFqAQMBAQFAAQNrZXlzAAQEAANnZXQBBQFqAAEBAUACA2tleXMFdmFsdWUCAAYEAANzZXQBBwocAQAXbG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjAFAwH6BQBhc20BAAAAASYGYAN/f38AYAV/f39/fwBgBH9/f38Bf2AAAX9gAn9/AX9gAX8BfwI9Ahdsb2NraG91c2U6aG9zdC9rdkAwLjEuMANnZXQAABdsb2NraG91c2U6aG9zdC9rdkAwLjEuMANzZXQAAQMGBQIDBAUDBQMBAAIGCAF/AUGAgAQLB9sBBgZtZW1vcnkCAAxjYWJpX3JlYWxsb2MAAilsb2NraG91c2U6cGx1Z2luL2xpZmVjeWNsZUAwLjEuMCNkZXNjcmliZQADMmxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wI3ZhbGlkYXRlLXNldHRpbmdzAAQubG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMCNldmFsdWF0ZQAFLWxvY2tob3VzZTpwb2xpY3kvY29tbWFuZC1wb2xpY3lAMC4xLjAjZXhwbGFpbgAGCoABBRcBAX8jAEEHakF4cSEEIAQgA2okACAECwUAQYABCwUAQaACC1QAQYAIQQNBgBAQAEGAEC0AAEGEEC0AAHIEQEHQAUGIECgCADYCAEHUAUGMECgCADYCAEHAAQ8LQYAIQQNBkAhBBEGAEBABQYAQLQAABEAAC0HAAQsFAEGAAgsLrgELAEGACAsDa2V5AEGQCAsEa2VwdABBEAsHZml4dHVyZQBBIAsFMS4wLjAAQTALCkEgZml4dHVyZS4AQcAACwZhLXJ1bGUAQdAACwdpdCBkb2VzAEGAAQsYEAAAAAcAAAAgAAAABQAAADAAAAAKAAAAAEHAAQsYAAAAAAAAAABAAAAABgAAAFAAAAAHAAAAAEGAAgsIUAAAAAcAAAAAQaACCwwAAAAAAAAAAAAAAAAALwRuYW1lAQsCAANnZXQBA3NldAISAgIBBAJhdAUBAAdyZXF1ZXN0BwcBAARuZXh0AC8JcHJvZHVjZXJzAQxwcm9jZXNzZWQtYnkBDXdpdC1jb21wb25lbnQHMC4yNTQuMgGPAQBhc20BAAAAAQ8CYAN/f38AYAV/f39/fwADAwIAAQQFAXABAgIHFAMBMAAAATEAAQgkaW1wb3J0cwEACiECDQAgACABIAJBABEAAAsRACAAIAEgAiADIARBAREBAAsALwlwcm9kdWNlcnMBDHByb2Nlc3NlZC1ieQENd2l0LWNvbXBvbmVudAcwLjI1NC4yAXAAYXNtAQAAAAEPAmADf39/AGAFf39/f38AAhoDAAEwAAAAATEAAQAIJGltcG9ydHMBcAECAgkIAQBBAAsCAAEALwlwcm9kdWNlcnMBDHByb2Nlc3NlZC1ieQENd2l0LWNvbXBvbmVudAcwLjI1NC4yAgQBAAEABgkBAwAABGpzb24HKgJyAwJpZHMHdmVyc2lvbnMHc3VtbWFyeXNyAgRwYXRocwdtZXNzYWdlcwYxBAMAAAZjYWxsZXIDAAALcHJvamVjdC1yZWYDAAAKcmVxdWVzdC1pZAMAAQVlcnJvcgfhAQltBARleGVjB3Byb2Nlc3MFYWdlbnQDbWNwbQMEbm9uZQpyZWdpc3RyaWVzBG9wZW5wc2sNcgkHY29tbWFuZHMEYXJndg4DY3dkcwllbnYtbmFtZXMNB2NoYW5uZWwLBmNhbGxlcgcHcHJvamVjdAgHbmV0d29yawwCaWQJbQIFYWxsb3cEZGVueW0EBHNhZmUIbW9kZXJhdGUJZGFuZ2Vyb3VzB2Jsb2NrZWRrc3IGCGRlY2lzaW9uEARyaXNrEQRydWxlcwZyZWFzb25zCXNhbml0aXNlZBIGYWR2aWNlEgYNAgAAAQABMAAAAQABMQIsAgECA2dldAAAA3NldAABAAABF2xvY2tob3VzZTpob3N0L2t2QDAuMS4wEgEGMQQAAgECBm1lbW9yeQABAQAIJGltcG9ydHMBAAIDZ2V0AAABAgxjYWJpX3JlYWxsb2MICgEBAAADAwAEAgAGCAEBAAIDc2V0CAoBAQABAwMABAIAAhwCAQMIJGltcG9ydHMBAAEwAAMBMQAEAAIBABIDBwUBQAAABQYvAQAAAQIpbG9ja2hvdXNlOnBsdWdpbi9saWZlY3ljbGVAMC4xLjAjZGVzY3JpYmUICQEAAAUCAwAAFAcVA3AGagABFUABCHNldHRpbmdzBAAWBjgBAAABAjJsb2NraG91c2U6cGx1Z2luL2xpZmVjeWNsZUAwLjEuMCN2YWxpZGF0ZS1zZXR0aW5ncwgLAQAABgMDAAQCABcEqAMAYXNtDQABAAcCAXMKFgEAEGltcG9ydC10eXBlLWpzb24DAAAHGQFyAwJpZHMHdmVyc2lvbnMHc3VtbWFyeXMKHQEAF2ltcG9ydC10eXBlLWRlc2NyaXB0aW9uAwACBwUBQAAAAwovAgAUaW1wb3J0LWZ1bmMtZGVzY3JpYmUBBAARaW1wb3J0LXR5cGUtanNvbjADAAEHEgFyAgRwYXRocwdtZXNzYWdlcwoZAQATaW1wb3J0LXR5cGUtcHJvYmxlbQMABgcVA3AHagABCEABCHNldHRpbmdzBQAJCiIBAB1pbXBvcnQtZnVuYy12YWxpZGF0ZS1zZXR0aW5ncwEKCwoBAARqc29uAwEABxkBcgMCaWRzB3ZlcnNpb25zB3N1bW1hcnlzCxEBAAtkZXNjcmlwdGlvbgMMAAcSAXICBHBhdGhzB21lc3NhZ2VzCw0BAAdwcm9ibGVtAw4ABwUBQAAADQsQAQAIZGVzY3JpYmUBAAEBEAcVA3APagABEUABCHNldHRpbmdzCwASCxkBABF2YWxpZGF0ZS1zZXR0aW5ncwEBAQETBZIBAQAABhRpbXBvcnQtZnVuYy1kZXNjcmliZQECHWltcG9ydC1mdW5jLXZhbGlkYXRlLXNldHRpbmdzAQMQaW1wb3J0LXR5cGUtanNvbgMEF2ltcG9ydC10eXBlLWRlc2NyaXB0aW9uAwURaW1wb3J0LXR5cGUtanNvbjADBBNpbXBvcnQtdHlwZS1wcm9ibGVtAwYLJgEAIGxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wBQMABxMCagETAQpAAQdyZXF1ZXN0DwAYBjQBAAABAi5sb2NraG91c2U6cG9saWN5L2NvbW1hbmQtcG9saWN5QDAuMS4wI2V2YWx1YXRlCAsBAAAHAwMABAIAGQcFAUAAAHMGMwEAAAECLWxvY2tob3VzZTpwb2xpY3kvY29tbWFuZC1wb2xpY3lAMC4xLjAjZXhwbGFpbggJAQAACAIDAAAaBhkCAwAABHJvbGUDAAAMcHJvamVjdC1raW5kBJkLAGFzbQ0AAQAHGgFtAwdsZWFybmVyCHJldmlld2VyBWFkbWluChYBABBpbXBvcnQtdHlwZS1yb2xlAwAABw0BcgICaWRzBHJvbGUBChgBABJpbXBvcnQtdHlwZS1jYWxsZXIDAAIHLAFtCAZweXRob24Ebm9kZQRqYXZhAmdvBHJ1c3QEcnVieQNwaHAGc3RhdGljCh4BABhpbXBvcnQtdHlwZS1wcm9qZWN0LWtpbmQDAAQHEwFyAwJpZHMEbmFtZXMEa2luZAUKHQEAF2ltcG9ydC10eXBlLXByb2plY3QtcmVmAwAGBwIBcwocAQAWaW1wb3J0LXR5cGUtcmVxdWVzdC1pZAMACAdgAXEIBmRlbmllZAFzAAlub3QtZm91bmQBcwAHaW52YWxpZAFzAAl0b28tbGFyZ2UBcwAHdGltZW91dAAABXF1b3RhAXMAC3VuYXZhaWxhYmxlAXMACGludGVybmFsAXMAChcBABFpbXBvcnQtdHlwZS1lcnJvcgMACgceA3BzawxtBARleGVjB3Byb2Nlc3MFYWdlbnQDbWNwCk4DABNpbXBvcnQtdHlwZS1jaGFubmVsAwAOABNpbXBvcnQtdHlwZS1jYWxsZXIwAwADABhpbXBvcnQtdHlwZS1wcm9qZWN0LXJlZjADAAcHGAFtAwRub25lCnJlZ2lzdHJpZXMEb3Blbgo6AgAYaW1wb3J0LXR5cGUtbmV0d29yay1tb2RlAwASABdpbXBvcnQtdHlwZS1yZXF1ZXN0LWlkMAMACQdJAXIJB2NvbW1hbmRzBGFyZ3YNA2N3ZHMJZW52LW5hbWVzDAdjaGFubmVsDwZjYWxsZXIQB3Byb2plY3QRB25ldHdvcmsTAmlkFAoZAQATaW1wb3J0LXR5cGUtcmVxdWVzdAMAFQcOAW0CBWFsbG93BGRlbnkKGgEAFGltcG9ydC10eXBlLWRlY2lzaW9uAwAXByMBbQQEc2FmZQhtb2RlcmF0ZQlkYW5nZXJvdXMHYmxvY2tlZAoWAQAQaW1wb3J0LXR5cGUtcmlzawMAGQc2AmtzcgYIZGVjaXNpb24YBHJpc2saBHJ1bGVzBnJlYXNvbnMJc2FuaXRpc2VkGwZhZHZpY2UbCjACABNpbXBvcnQtdHlwZS12ZXJkaWN0AwAcABJpbXBvcnQtdHlwZS1lcnJvcjADAAsHEwJqAR0BHkABB3JlcXVlc3QWAB8KGQEAFGltcG9ydC1mdW5jLWV2YWx1YXRlASAHBQFAAABzChgBABNpbXBvcnQtZnVuYy1leHBsYWluASELNQQABmNhbGxlcgMDAAALcHJvamVjdC1yZWYDBwAACnJlcXVlc3QtaWQDCQAABWVycm9yAwsABxoBbQQEZXhlYwdwcm9jZXNzBWFnZW50A21jcAsNAQAHY2hhbm5lbAMmAAcYAW0DBG5vbmUKcmVnaXN0cmllcwRvcGVuCxIBAAxuZXR3b3JrLW1vZGUDKAAHTQNwc2sqcgkHY29tbWFuZHMEYXJndisDY3dkcwllbnYtbmFtZXMqB2NoYW5uZWwnBmNhbGxlciIHcHJvamVjdCMHbmV0d29yaykCaWQkCw0BAAdyZXF1ZXN0AywABw4BbQIFYWxsb3cEZGVueQsOAQAIZGVjaXNpb24DLgAHIwFtBARzYWZlCG1vZGVyYXRlCWRhbmdlcm91cwdibG9ja2VkCwoBAARyaXNrAzAABzYCa3NyBghkZWNpc2lvbi8EcmlzazEEcnVsZXMGcmVhc29ucwlzYW5pdGlzZWQyBmFkdmljZTILDQEAB3ZlcmRpY3QDMwAHEwJqATQBJUABB3JlcXVlc3QtADULEAEACGV2YWx1YXRlAQABATYHBQFAAABzCw8BAAdleHBsYWluAQEBATcFogMBAAESFGltcG9ydC1mdW5jLWV2YWx1YXRlAQQTaW1wb3J0LWZ1bmMtZXhwbGFpbgEFEGltcG9ydC10eXBlLXJvbGUDGxJpbXBvcnQtdHlwZS1jYWxsZXIDBxhpbXBvcnQtdHlwZS1wcm9qZWN0LWtpbmQDHBdpbXBvcnQtdHlwZS1wcm9qZWN0LXJlZgMIFmltcG9ydC10eXBlLXJlcXVlc3QtaWQDCRFpbXBvcnQtdHlwZS1lcnJvcgMKE2ltcG9ydC10eXBlLWNoYW5uZWwDCxNpbXBvcnQtdHlwZS1jYWxsZXIwAwcYaW1wb3J0LXR5cGUtcHJvamVjdC1yZWYwAwgYaW1wb3J0LXR5cGUtbmV0d29yay1tb2RlAwwXaW1wb3J0LXR5cGUtcmVxdWVzdC1pZDADCRNpbXBvcnQtdHlwZS1yZXF1ZXN0Aw8UaW1wb3J0LXR5cGUtZGVjaXNpb24DEBBpbXBvcnQtdHlwZS1yaXNrAxETaW1wb3J0LXR5cGUtdmVyZGljdAMTEmltcG9ydC10eXBlLWVycm9yMAMKCysBACVsb2NraG91c2U6cG9saWN5L2NvbW1hbmQtcG9saWN5QDAuMS4wBQUAAIYLDmNvbXBvbmVudC1uYW1lAeICAAAJACRpbmRpcmVjdC1sb2NraG91c2U6aG9zdC9rdkAwLjEuMC1nZXQBJGluZGlyZWN0LWxvY2tob3VzZTpob3N0L2t2QDAuMS4wLXNldAIHcmVhbGxvYwMkaW5kaXJlY3QtbG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjAtZ2V0BCRpbmRpcmVjdC1sb2NraG91c2U6aG9zdC9rdkAwLjEuMC1zZXQFKWxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wI2Rlc2NyaWJlBjJsb2NraG91c2U6cGx1Z2luL2xpZmVjeWNsZUAwLjEuMCN2YWxpZGF0ZS1zZXR0aW5ncwcubG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMCNldmFsdWF0ZQgtbG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMCNleHBsYWluAQ8AAQEACnNoaW0gdGFibGUBCwACAQAGbWVtb3J5ATkAEQMABG1haW4BGXdpdC1jb21wb25lbnQtc2hpbS1tb2R1bGUCE3dpdC1jb21wb25lbnQtZml4dXABUgASBQAbd2l0LWNvbXBvbmVudC1zaGltLWluc3RhbmNlARdsb2NraG91c2U6aG9zdC9rdkAwLjEuMAIEbWFpbgMKZml4dXAtYXJncwQFZml4dXABhQIFBwAcbG9ja2hvdXNlOnR5cGVzL2NvbW1vbkAwLjEuMAEcbG9ja2hvdXNlOnR5cGVzL2Vycm9yc0AwLjEuMAIXbG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjADLmxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wLXNoaW0taW5zdGFuY2UEIGxvY2tob3VzZTpwbHVnaW4vbGlmZWN5Y2xlQDAuMS4wBTNsb2NraG91c2U6cG9saWN5L2NvbW1hbmQtcG9saWN5QDAuMS4wLXNoaW0taW5zdGFuY2UGJWxvY2tob3VzZTpwb2xpY3kvY29tbWFuZC1wb2xpY3lAMC4xLjABPAEGAANnZXQBA3NldAIIZGVzY3JpYmUDEXZhbGlkYXRlLXNldHRpbmdzBAhldmFsdWF0ZQUHZXhwbGFpbgGpAQMLAB90eS1sb2NraG91c2U6dHlwZXMvY29tbW9uQDAuMS4wAR90eS1sb2NraG91c2U6dHlwZXMvZXJyb3JzQDAuMS4wAgVlcnJvcgMadHktbG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjAEBGpzb24HBmNhbGxlcggLcHJvamVjdC1yZWYJCnJlcXVlc3QtaWQKBWVycm9yGwRyb2xlHAxwcm9qZWN0LWtpbmQBaQQCAC9sb2NraG91c2U6cGx1Z2luL2xpZmVjeWNsZUAwLjEuMC1zaGltLWNvbXBvbmVudAE0bG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMC1zaGltLWNvbXBvbmVudAGFAgUHABxsb2NraG91c2U6dHlwZXMvY29tbW9uQDAuMS4wARxsb2NraG91c2U6dHlwZXMvZXJyb3JzQDAuMS4wAhdsb2NraG91c2U6aG9zdC9rdkAwLjEuMAMubG9ja2hvdXNlOnBsdWdpbi9saWZlY3ljbGVAMC4xLjAtc2hpbS1pbnN0YW5jZQQgbG9ja2hvdXNlOnBsdWdpbi9saWZlY3ljbGVAMC4xLjAFM2xvY2tob3VzZTpwb2xpY3kvY29tbWFuZC1wb2xpY3lAMC4xLjAtc2hpbS1pbnN0YW5jZQYlbG9ja2hvdXNlOnBvbGljeS9jb21tYW5kLXBvbGljeUAwLjEuMAAvCXByb2R1Y2VycwEMcHJvY2Vzc2VkLWJ5AQ13aXQtY29tcG9uZW50BzAuMjU0LjIArwESbG9ja2hvdXNlOm1hbmlmZXN0CmlkID0gImZpeHR1cmUiCnZlcnNpb24gPSAiMS4wLjAiCnN1bW1hcnkgPSAiUmVtZW1iZXJzIHRoYXQgaXQgd2FzIGFza2VkLiIKcm9sZXMgPSBbImNvbW1hbmQtcG9saWN5Il0KaW1wb3J0cyA9IFsibG9ja2hvdXNlOmhvc3Qva3ZAMC4xLjAiXQpncmFudHMgPSBbImt2Il0K');
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_at BIGINT NOT NULL
);
CREATE TABLE pool_entries (
    project_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    claimed_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE TABLE network_lists (
    project_id TEXT PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    allow TEXT NOT NULL,
    deny TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO network_lists VALUES('01a20273adc7772da806701b95fb3402','["example.org"]','["example.com"]',1795337469851394);
CREATE TABLE preview_labels (
    label TEXT PRIMARY KEY,
    project_id TEXT NOT NULL UNIQUE REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO preview_labels VALUES('72z6komn','01a20273adc7772da806701b95fb3402');
CREATE TABLE preview_ports (
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    port BIGINT NOT NULL,
    host_port BIGINT NOT NULL UNIQUE,
    PRIMARY KEY (project_id, port)
);
INSERT INTO preview_ports VALUES('01a20273adc7772da806701b95fb3402',3000,32696);
INSERT INTO preview_ports VALUES('01a20273adc7772da806701b95fb3402',3001,44379);
INSERT INTO preview_ports VALUES('01a20273adc7772da806701b95fb3402',5000,10021);
INSERT INTO preview_ports VALUES('01a20273adc7772da806701b95fb3402',8000,59224);
INSERT INTO preview_ports VALUES('01a20273adc7772da806701b95fb3402',8080,53691);
INSERT INTO preview_ports VALUES('01a2027412dd769686275eec0143aa30',3000,47430);
INSERT INTO preview_ports VALUES('01a2027412dd769686275eec0143aa30',3001,37544);
INSERT INTO preview_ports VALUES('01a2027412dd769686275eec0143aa30',5000,49739);
INSERT INTO preview_ports VALUES('01a2027412dd769686275eec0143aa30',8000,15362);
INSERT INTO preview_ports VALUES('01a2027412dd769686275eec0143aa30',8080,44479);
CREATE TABLE preview_links (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    creator_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    -- NULL: whichever port the preview shows.
    port BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO preview_links VALUES('01a20274119676e6a8b702b3dce56203','01a20273adc7772da806701b95fb3402','admin','116e227b9556554f9620a9af0f7d50a7f0f590b04d3332b9b555f037c111a0d9',8000,1795337490837114,1795423890837114);
CREATE TABLE deleted_projects (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO deleted_projects VALUES('01a2027412237514a2b46eaea94712d5','admin','old','python','no more',1795337490990396,1795337490990396,1795337490999297,1795942290999297);
CREATE TABLE terminal_tickets (
    fingerprint TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    token_id TEXT,
    valid_until BIGINT,
    valid_since BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE expired_jobs (
    directory TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    expired_at BIGINT NOT NULL
);
CREATE TABLE audit_checkpoints (
    seq BIGINT PRIMARY KEY,
    hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    seal TEXT NOT NULL
);
CREATE TABLE disk_measures (
    project_id TEXT PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    bytes BIGINT NOT NULL,
    measured_at BIGINT NOT NULL
);
CREATE TABLE quotas (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    projects BIGINT,
    runtimes BIGINT,
    updated_at BIGINT NOT NULL
, model_tokens BIGINT);
INSERT INTO quotas VALUES('ada',1,2,1795337464863606,100000);
CREATE TABLE submissions (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    author_id TEXT NOT NULL REFERENCES users (id),
    number BIGINT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL,
    digest TEXT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (project_id, number)
);
INSERT INTO submissions VALUES('01a2027412847039bc1f0b8c494edd09','01a20274124576c1b546a7f60499ed52','ada',1,'please','changes_requested','0c7ca739f23f076ffc1033bc4032c644f3af5798f5cd89ccf39703b0a469c3d0',1,4,0,1795337491076758,1795337491147131);
CREATE TABLE verdicts (
    id TEXT PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions (id),
    author_id TEXT NOT NULL REFERENCES users (id),
    verdict TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
INSERT INTO verdicts VALUES('01a2027412ce73d7bd5c8d2ca85bba24','01a2027412847039bc1f0b8c494edd09','rex','changes_requested','see there',1795337491147131);
CREATE TABLE comments (
    id TEXT PRIMARY KEY,
    submission_id TEXT NOT NULL REFERENCES submissions (id),
    author_id TEXT NOT NULL REFERENCES users (id),
    path TEXT,
    line BIGINT,
    body TEXT NOT NULL,
    resolved_by TEXT,
    resolved_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO comments VALUES('01a2027412c377b28b4fb54207fe3fb7','01a2027412847039bc1f0b8c494edd09','rex','a.py',2,'why?',NULL,NULL,1795337491139714,1795337491139714);
CREATE TABLE model_spend (
    day BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    model TEXT NOT NULL,
    project TEXT NOT NULL,
    calls BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    PRIMARY KEY (day, user_id, project_id, model)
);
INSERT INTO model_spend VALUES(1795305600000000,'admin','01a2027412dd769686275eec0143aa30','default','greeter',4,0,80,40);
CREATE INDEX commands_by_project ON commands (project_id, id);
CREATE INDEX jobs_by_expiry ON jobs (expires_at);
CREATE INDEX runs_by_project ON runs (project_id, id);
CREATE INDEX judgements_by_time ON judgements (at);
CREATE INDEX preview_links_by_project ON preview_links (project_id, id);
CREATE INDEX tokens_by_user ON tokens (user_id, created_at);
CREATE INDEX deleted_projects_by_expiry ON deleted_projects (expires_at);
CREATE INDEX terminal_tickets_by_user ON terminal_tickets (user_id);
CREATE INDEX terminal_tickets_by_expiry ON terminal_tickets (expires_at);
CREATE INDEX expired_jobs_by_id ON expired_jobs (id, owner_id);
CREATE INDEX expired_jobs_by_time ON expired_jobs (expired_at);
CREATE INDEX commands_by_age ON commands (started_at);
CREATE INDEX disk_measures_by_bytes ON disk_measures (bytes, project_id);
CREATE INDEX submissions_by_state ON submissions (state, id);
CREATE INDEX verdicts_by_submission ON verdicts (submission_id, id);
CREATE INDEX comments_by_submission ON comments (submission_id, id);
COMMIT;
