// Names of the vendor's fields as far as the lab keeps them, and which of them a write takes. Sources: the OpenAPI documents
// of 2402 and `sap:creatable`, `sap:updatable` in metadata exported from real systems (real.md).

const words = (text: string): string[] => text.trim().split(/\s+/)

/** Fields that rows of an entity set may have in answers, and that `$filter` and `$select` may name. */
export const fieldsOf = {
  order:
    words(`SalesOrder SalesOrderType SalesOrganization DistributionChannel OrganizationDivision SoldToParty CreationDate
    CreatedByUser LastChangeDateTime PurchaseOrderByCustomer CustomerPurchaseOrderDate SalesOrderDate TotalNetAmount
    TransactionCurrency RequestedDeliveryDate OverallDeliveryStatus OverallSDProcessStatus OverallSDDocumentRejectionSts
    OverallOrdReltdBillgStatus HeaderBillingBlockReason DeliveryBlockReason AssignmentReference`),
  orderItem: words(`SalesOrder SalesOrderItem SalesOrderItemCategory SalesOrderItemText PurchaseOrderByCustomer
    UnderlyingPurchaseOrderItem Material RequestedQuantity RequestedQuantityUnit TransactionCurrency NetAmount TaxAmount
    ProductionPlant StorageLocation SalesDocumentRjcnReason DeliveryStatus SDProcessStatus`),
  delivery: words(`DeliveryDocument DeliveryDocumentType DeliveryDocumentBySupplier DeliveryVersion BillOfLading
    MeansOfTransport ShippingPoint SalesOrganization SoldToParty ShipToParty CreationDate DocumentDate
    ActualGoodsMovementDate OverallPickingStatus OverallGoodsMovementStatus OverallSDProcessStatus
    OverallDelivReltdBillgStatus DeliveryBlockReason DeliveryPriority LastChangeDate`),
  deliveryItem: words(`DeliveryDocument DeliveryDocumentItem DeliveryVersion Material Plant ActualDeliveryQuantity
    OriginalDeliveryQuantity DeliveryQuantityUnit ReferenceSDDocument ReferenceSDDocumentItem PickingStatus
    GoodsMovementStatus`),
  journalItem: words(`CompanyCode FiscalYear AccountingDocument AccountingDocumentItem LedgerGLLineItem Ledger
    AccountingDocumentType DocumentReferenceID OriginalReferenceDocument AccountingDocumentHeaderText GLAccount Customer
    TaxCode DebitCreditCode AmountInTransactionCurrency TransactionCurrency TaxBaseAmountInTransCrcy DocumentItemText
    AssignmentReference PostingDate DocumentDate`),
  journalBalance: words(`ID Ledger LedgerFiscalYear CompanyCode GLAccount FiscalPeriod TransactionCurrency
    AmountInTransactionCurrency CompanyCodeCurrency AmountInCompanyCodeCurrency Customer Plant ProfitCenter CostCenter`),
} as const

/** Fields of a body that creates. */
export const creatable = {
  order: words(`SalesOrder SalesOrderType SalesOrganization DistributionChannel OrganizationDivision SoldToParty
    PurchaseOrderByCustomer CustomerPurchaseOrderDate SalesOrderDate TransactionCurrency RequestedDeliveryDate
    HeaderBillingBlockReason DeliveryBlockReason AssignmentReference`),
  orderItem: words(`SalesOrderItem SalesOrderItemCategory SalesOrderItemText PurchaseOrderByCustomer
    UnderlyingPurchaseOrderItem Material RequestedQuantity RequestedQuantityUnit ProductionPlant StorageLocation
    SalesDocumentRjcnReason TaxAmount`),
  pricing: words(`PricingProcedureStep PricingProcedureCounter ConditionType ConditionRateValue ConditionCurrency
    ConditionQuantity ConditionQuantityUnit TransactionCurrency`),
  delivery: words("ShippingPoint"),
  deliveryItem: words(`DeliveryDocument ReferenceSDDocument ReferenceSDDocumentItem ActualDeliveryQuantity
    DeliveryQuantityUnit`),
} as const

/** Fields of a body that changes. */
export const updatable = {
  order: words(`PurchaseOrderByCustomer CustomerPurchaseOrderDate SalesOrderDate RequestedDeliveryDate
    HeaderBillingBlockReason DeliveryBlockReason AssignmentReference`),
  orderItem: words(`SalesOrderItemText PurchaseOrderByCustomer UnderlyingPurchaseOrderItem Material RequestedQuantity
    RequestedQuantityUnit ProductionPlant StorageLocation SalesDocumentRjcnReason`),
  delivery: words(`ActualGoodsMovementDate BillOfLading DeliveryBlockReason DeliveryDocumentBySupplier DeliveryPriority
    MeansOfTransport`),
} as const
