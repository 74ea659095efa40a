-- Lists of a project show the silences of several projects, newest first. An index that begins with the project does
-- not give that order for `project is null`.
create index silences_of_several on silences (created_at desc, id desc) where project is null;
