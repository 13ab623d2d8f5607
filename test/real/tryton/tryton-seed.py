"""Fills an empty Tryton 6.0 database, in process through proteus, with what a small retailer needs to book sales.

Usage: tryton-seed.py <trytond.conf> <database>; prints one JSON line with the ids and codes a client needs.
"""

import datetime
import json
import sys
from decimal import Decimal

from proteus import Model, Wizard, config

PRODUCTS = 20
CUSTOMERS = 10
OPENING_STOCK = 100_000


def open_books(settings):
    company = make_company(settings)
    accounts = make_chart(company)
    # Two years, so that a template kept over new year still has an open period.
    this_year = datetime.date.today().year
    for year in (this_year, this_year + 1):
        open_fiscal_year(company, year)
    tax = Model.get('account.tax')(
        name="Sales tax 20%", description="Sales tax 20%", type='percentage',
        rate=Decimal('.20'))
    tax.invoice_account = tax.credit_note_account = accounts['tax']
    tax.save()
    return company, accounts, tax


def make_company(settings):
    dollar = Model.get('currency.currency')(
        name="US Dollar", symbol="$", code='USD', numeric_code='840',
        rounding=Decimal('0.01'), digits=2)
    dollar.rates.new(rate=Decimal('1'), date=datetime.date(2020, 1, 1))
    dollar.save()
    owner = Model.get('party.party')(name="Real Retail")
    owner.save()
    wizard = Wizard('company.company.config')
    wizard.execute('company')
    wizard.form.party = owner
    wizard.form.currency = dollar
    wizard.execute('add')
    # The company becomes the user's only now; every later record takes it from these preferences.
    settings._context = Model.get('res.user').get_preferences(True, {})
    company, = Model.get('company.company').find()
    return company


def make_chart(company):
    shipped, = Model.get('ir.model.data').find([
        ('module', '=', 'account'), ('fs_id', '=', 'account_template_root_en')])
    wizard = Wizard('account.create_chart')
    wizard.execute('account')
    wizard.form.account_template = Model.get('account.account.template')(shipped.db_id)
    wizard.form.company = company
    wizard.execute('create_account')
    Account = Model.get('account.account')

    def first(*domain):
        return Account.find([('company', '=', company.id), *domain], limit=1)[0]

    accounts = {
        kind: first(('type.%s' % kind, '=', True))
        for kind in ('receivable', 'payable', 'revenue', 'expense')}
    accounts['cash'] = first(('name', '=', "Main Cash"))
    accounts['tax'] = first(('name', '=', "Main Tax"))
    accounts['stock'] = first(
        ('type.stock', '=', True), ('type.statement', '=', 'balance'))
    accounts['stock_expense'] = first(
        ('type.stock', '=', True), ('type.statement', '=', 'income'))
    wizard.form.account_receivable = accounts['receivable']
    wizard.form.account_payable = accounts['payable']
    wizard.execute('create_properties')
    return accounts


def open_fiscal_year(company, number):
    def sequence(model, kind):
        type_, = Model.get('ir.sequence.type').find([('name', '=', kind)])
        made = Model.get(model)(
            name="%s %d" % (kind, number), sequence_type=type_, company=company)
        made.save()
        return made

    year = Model.get('account.fiscalyear')(name=str(number), company=company)
    year.start_date = datetime.date(number, 1, 1)
    year.end_date = datetime.date(number, 12, 31)
    year.post_move_sequence = sequence('ir.sequence', "Account Move")
    year.account_stock_method = 'continental'
    invoices, = year.invoice_sequences
    # Credit notes share the invoices' numbers: in Tryton both are type "out", and a number should name one document.
    for way in ('out', 'in'):
        numbers = sequence('ir.sequence.strict', "Invoice")
        setattr(invoices, way + '_invoice_sequence', numbers)
        setattr(invoices, way + '_credit_note_sequence', numbers)
    year.click('create_period')


def accounting_categories(accounts, tax):
    Category = Model.get('product.category')

    def category(name, taxes):
        made = Category(name=name, accounting=True)
        made.account_expense = accounts['expense']
        made.account_revenue = accounts['revenue']
        made.account_stock = accounts['stock']
        made.account_stock_in = accounts['stock_expense']
        made.account_stock_out = accounts['stock_expense']
        for each in taxes:
            made.customer_taxes.append(each)
        made.save()
        return made

    # The default category carries no tax: a shop's charged tax is booked as charged, not computed again.
    return category("Untaxed at sale", []), category("Taxed 20%", [tax])


def product(code, kind, category, list_price):
    Template = Model.get('product.template')
    unit, = Model.get('product.uom').find([('name', '=', 'Unit')])
    template = Template(name="Product %s" % code, type=kind, default_uom=unit)
    template.salable = True
    template.list_price = list_price
    template.account_category = category
    made, = template.products
    made.suffix_code = code
    made.cost_price = Decimal('4') if kind == 'goods' else Decimal('0')
    template.save()
    return template.products[0]


def opening_inventory(products):
    storage, = Model.get('stock.location').find([('code', '=', 'STO')])
    inventory = Model.get('stock.inventory')(location=storage)
    for each in products:
        line = inventory.lines.new(product=each)
        line.quantity = float(OPENING_STOCK)
    inventory.click('confirm')


def customers():
    Party = Model.get('party.party')
    made = []
    for number in range(CUSTOMERS):
        party = Party(name="Customer %d" % number)
        address, = party.addresses
        address.street = "%d Market Street" % (number + 1)
        address.city = "Springfield"
        party.save()
        made.append({'party': party.id, 'address': party.addresses[0].id})
    return made


def payment_method(accounts):
    journal, = Model.get('account.journal').find([('type', '=', 'cash')])
    method = Model.get('account.invoice.payment.method')(name="Shop payments")
    method.journal = journal
    method.credit_account = accounts['cash']
    method.debit_account = accounts['cash']
    method.save()
    return method


def main(config_file, database):
    settings = config.set_trytond(
        database, user='admin', config_file=config_file)
    company, accounts, tax = open_books(settings)
    untaxed, taxed = accounting_categories(accounts, tax)
    goods = [
        product('SKU-%03d' % number, 'goods', untaxed, Decimal('10'))
        for number in range(PRODUCTS)]
    services = [
        product(code, 'service', untaxed, Decimal('0'))
        for code in ('SHIPPING', 'DISCOUNT')]
    opening_inventory(goods)
    term = Model.get('account.invoice.payment_term')(name="Direct")
    term.lines.new(type='remainder')
    term.save()
    method = payment_method(accounts)
    warehouse, = Model.get('stock.location').find([('type', '=', 'warehouse')])
    unit, = Model.get('product.uom').find([('name', '=', 'Unit')])
    print(json.dumps({
        'companyId': company.id,
        'warehouseId': warehouse.id,
        'storageId': warehouse.storage_location.id,
        'unitId': unit.id,
        'paymentTermId': term.id,
        'paymentMethodId': method.id,
        'taxId': tax.id,
        'taxedCategoryId': taxed.id,
        'accounts': {name: account.id for name, account in accounts.items()},
        'customers': customers(),
        'products': {each.code: each.id for each in goods + services},
    }))


if __name__ == '__main__':
    main(*sys.argv[1:3])
