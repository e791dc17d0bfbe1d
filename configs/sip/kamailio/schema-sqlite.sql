-- Tables that grifo's dial-plan fragment needs, for Kamailio 5.6 on db_sqlite.
-- Shaped as Kamailio's own `htable` (version 2), but wider: a mark with three ids must fit, and one line has one row.
CREATE TABLE grifo_barred (
    id INTEGER PRIMARY KEY NOT NULL,
    key_name VARCHAR(255) NOT NULL UNIQUE,
    key_type INTEGER DEFAULT 0 NOT NULL,
    value_type INTEGER DEFAULT 0 NOT NULL,
    key_value VARCHAR(255) DEFAULT '' NOT NULL,
    expires INTEGER DEFAULT 0 NOT NULL
);

-- The operator's own additions to the allow-list: customer care, payment line. One row a number, in national form
-- (900123456, 1004) or international (+34900123456). With the value `emergency` it is an emergency number, which passes
-- even for a number that was released; any other value is of no matter. Read when Kamailio starts, and by
-- `kamcmd htable.reload grifo_allow`.
CREATE TABLE grifo_allow (
    id INTEGER PRIMARY KEY NOT NULL,
    key_name VARCHAR(255) NOT NULL UNIQUE,
    key_type INTEGER DEFAULT 0 NOT NULL,
    value_type INTEGER DEFAULT 0 NOT NULL,
    key_value VARCHAR(255) DEFAULT '1' NOT NULL,
    expires INTEGER DEFAULT 0 NOT NULL
);
