-- What each shipment of an order was worth, beside the order book and derived like it; the step that invoices it is named
-- after the shipment, so "booked" is a look-up.
create table shipment_values (
  order_id    text not null,
  shipment    text not null,
  total_minor bigint not null,
  currency    text not null,
  at          timestamptz not null,
  primary key (order_id, shipment)
);
create index shipment_values_at on shipment_values (at);
