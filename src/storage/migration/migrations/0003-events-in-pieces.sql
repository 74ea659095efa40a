-- An event that fires too many alarms for one transaction: those with an id up to this one have been fired. Null when
-- all have. The event is repeatable until then: if it is sent again, the other alarms are fired.
alter table events add column fired_through text;
