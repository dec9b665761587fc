package policy

// The managed policies. Two are AWS's, as published
// (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonInspectorFullAccess.html,
// v5, and .../AmazonInspectorReadOnlyAccess.html, v4), with Assay's own actions
// added. The two statements of the first that are about roles of AWS
// (iam:PassRole, iam:CreateServiceLinkedRole) are left out: Assay has no roles.
// Users, keys and policies (iam:*) and the record of calls are in neither, as on
// AWS; who is to have those gets AdministratorAccess.
const (
	FullAccess     = "AmazonInspectorFullAccess"
	ReadOnlyAccess = "AmazonInspectorReadOnlyAccess"
	Administrator  = "AdministratorAccess"
)

// Managed are the texts of the managed policies by name.
func Managed() map[string]string {
	return map[string]string{
		FullAccess: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "inspector:*",
        "ec2:DescribeInstances",
        "ec2:DescribeTags",
        "sns:ListTopics",
        "events:DescribeRule",
        "events:ListRuleNamesByTarget"
      ],
      "Resource": "*"
    },
    {
      "Sid": "Assay",
      "Effect": "Allow",
      "Action": "assay:*",
      "Resource": "*"
    }
  ]
}
`,
		ReadOnlyAccess: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "inspector:Describe*",
        "inspector:Get*",
        "inspector:List*",
        "inspector:Preview*",
        "ec2:DescribeInstances",
        "ec2:DescribeTags",
        "sns:ListTopics",
        "events:DescribeRule",
        "events:ListRuleNamesByTarget"
      ],
      "Resource": "*"
    },
    {
      "Sid": "Assay",
      "Effect": "Allow",
      "Action": [
        "assay:Compare*",
        "assay:Describe*",
        "assay:Explain*",
        "assay:Get*",
        "assay:List*"
      ],
      "Resource": "*"
    }
  ]
}
`,
		Administrator: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}
`,
	}
}
