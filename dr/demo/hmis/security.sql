-- What a vendor's system has beside its tables: so that a proof of schema and security has something to prove.

DO $roles$
BEGIN
  -- Roles belong to the whole cluster, which may already have them from another database.
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'hmis_application') THEN
    CREATE ROLE hmis_application NOLOGIN;
    COMMENT ON ROLE hmis_application IS 'What the web application may do';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'hmis_reporting') THEN
    CREATE ROLE hmis_reporting NOLOGIN;
    ALTER ROLE hmis_reporting SET default_transaction_read_only = on;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'hmis_web') THEN
    CREATE ROLE hmis_web LOGIN CONNECTION LIMIT 40 IN ROLE hmis_application;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'hmis_reports') THEN
    CREATE ROLE hmis_reports LOGIN CONNECTION LIMIT 5 IN ROLE hmis_reporting;
    ALTER ROLE hmis_reports SET statement_timeout = '5min';
  END IF;
END
$roles$;

GRANT USAGE ON SCHEMA public, lists TO hmis_application;
GRANT USAGE ON SCHEMA public, lists, reporting TO hmis_reporting;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO hmis_application;
GRANT SELECT ON ALL TABLES IN SCHEMA lists TO hmis_application, hmis_reporting;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO hmis_reporting;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO hmis_application;

-- Reports see no names and no Social Security numbers, and no client that was deleted.
REVOKE SELECT ON public."Client", public."User" FROM hmis_reporting;
GRANT SELECT ("PersonalID", "DOB", "DOBDataQuality", "Sex", "AmIndAKNative", "Asian", "BlackAfAmerican", "HispanicLatinao",
  "MidEastNAfrican", "NativeHIPacific", "White", "RaceNone", "VeteranStatus", "DateCreated", "DateUpdated", "DateDeleted")
  ON public."Client" TO hmis_reporting;
ALTER TABLE public."Client" ENABLE ROW LEVEL SECURITY;
CREATE POLICY application_sees_all ON public."Client" TO hmis_application USING (true) WITH CHECK (true);
CREATE POLICY reporting_sees_the_living_rows ON public."Client" FOR SELECT TO hmis_reporting USING ("DateDeleted" IS NULL);
CREATE POLICY nobody_revives ON public."Client" AS RESTRICTIVE FOR UPDATE TO hmis_application
  USING ("DateDeleted" IS NULL) WITH CHECK (true);

CREATE SEQUENCE public."RecordNumber" START WITH 1000000 INCREMENT BY 1 CACHE 1;
COMMENT ON SEQUENCE public."RecordNumber" IS 'Numbers of records that are entered after the import';
GRANT USAGE ON SEQUENCE public."RecordNumber" TO hmis_application;

CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $touch$
BEGIN
  -- An edit that names no time of its own gets one.
  IF NEW."DateUpdated" = OLD."DateUpdated" THEN
    NEW."DateUpdated" := date_trunc('second', localtimestamp);
  END IF;
  RETURN NEW;
END
$touch$;
CREATE TRIGGER touch BEFORE UPDATE ON public."Client" FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE TRIGGER touch BEFORE UPDATE ON public."Enrollment" FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE TRIGGER touch BEFORE UPDATE ON public."Exit" FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE TRIGGER touch BEFORE UPDATE ON public."Services" FOR EACH ROW EXECUTE FUNCTION public.touch();

CREATE FUNCTION reporting.household_size(household text) RETURNS bigint LANGUAGE sql STABLE STRICT SECURITY DEFINER
  SET search_path = pg_catalog AS $size$
  SELECT count(*) FROM public."Enrollment" WHERE "HouseholdID" = household AND "DateDeleted" IS NULL
$size$;
REVOKE EXECUTE ON FUNCTION reporting.household_size(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reporting.household_size(text) TO hmis_reporting;

CREATE VIEW reporting."OpenEnrollment" WITH (security_barrier) AS
  SELECT e."EnrollmentID", e."PersonalID", e."ProjectID", p."ProjectName", t.label AS "ProjectTypeName", e."EntryDate"
  FROM public."Enrollment" e
  JOIN public."Project" p USING ("ProjectID")
  LEFT JOIN lists."ProjectType" t ON t.code = p."ProjectType"
  LEFT JOIN public."Exit" x ON x."EnrollmentID" = e."EnrollmentID" AND x."DateDeleted" IS NULL
  WHERE x."ExitID" IS NULL AND e."DateDeleted" IS NULL;
COMMENT ON VIEW reporting."OpenEnrollment" IS 'Who is enrolled now, without names';

CREATE MATERIALIZED VIEW reporting."BedNightsByMonth" AS
  SELECT e."ProjectID", date_trunc('month', s."DateProvided"::timestamp)::date AS "Month", count(*) AS "BedNights"
  FROM public."Services" s JOIN public."Enrollment" e USING ("EnrollmentID")
  WHERE s."RecordType" = 200 AND s."DateDeleted" IS NULL
  GROUP BY 1, 2;
CREATE UNIQUE INDEX "BedNightsByMonth_key" ON reporting."BedNightsByMonth" ("ProjectID", "Month");
GRANT SELECT ON reporting."OpenEnrollment", reporting."BedNightsByMonth" TO hmis_reporting;

COMMENT ON SCHEMA lists IS 'The code lists of the published format';
COMMENT ON TABLE public."Services" IS 'Bed nights (record type 200) and everything else that was done for a client';
COMMENT ON COLUMN public."Client"."SSN" IS 'Nine digits; never shown to reports';

-- Two consent forms kept in the database itself.
SELECT pg_catalog.lo_from_bytea(910001, pg_catalog.decode(pg_catalog.repeat('436f6e73656e7420', 4000), 'hex'));
SELECT pg_catalog.lo_from_bytea(910002, pg_catalog.decode(pg_catalog.repeat('00ff10ef20df30cf', 9000), 'hex'));
COMMENT ON LARGE OBJECT 910001 IS 'Consent form, revision 7';
GRANT SELECT ON LARGE OBJECT 910001 TO hmis_application;
